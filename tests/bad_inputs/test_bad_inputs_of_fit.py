"""st.fit and the bad inputs: one clear typed error with the repair, or the result that the title names."""

from __future__ import annotations

from pickle import PicklingError

import numpy
import pandas
import pytest
import torch
from plain_data import INF, LABELS, NAN, NUMBERS, Gives, N, X, net, with_value
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import steepest
from steepest.core.errors import SteepestError


def fit(model, data, **options):
    asked = {"loss": "cross_entropy", "epochs": 1, "batch_size": 8, "progress": False, "device": "cpu"} | options
    return steepest.fit(model, data, **asked)


def numbers_net():
    return net(4, 1)


class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(1, 3, 3, padding=1)

    def forward(self, x):
        return self.layer(x)


IMAGES, MASKS = torch.randn(N, 1, 5, 5), torch.randint(0, 3, (N, 5, 5))


class Broken(IterableDataset):
    def __iter__(self):
        yield X[0], LABELS[0]
        raise OSError("the disk is gone")


REFUSED = {
    "01 output (N,), target (N, 1)": (
        lambda: fit(nn.Sequential(numbers_net(), nn.Flatten(0)), (X, NUMBERS[:, None]), loss="mse"),
        "shape",
    ),
    "02 output (N, 1), target (N,), our loss": (lambda: fit(numbers_net(), (X, NUMBERS), loss="mse"), "shape"),
    "02 output (N, 1), target (N,), torch's loss": (
        lambda: fit(numbers_net(), (X, NUMBERS), loss=nn.MSELoss()),
        "broadcast",
    ),
    "02 output (N, 1), target (N,), a function": (
        lambda: fit(numbers_net(), (X, NUMBERS), loss=lambda o, t: ((o - t) ** 2).mean()),
        "broadcast",
    ),
    "03 output (N, C), target (N, C - 1)": (lambda: fit(net(), (X, torch.rand(N, 2))), "shape"),
    "04 one row fewer in the target": (lambda: fit(net(), (X, LABELS[:-1])), "32 rows and another tensor has 31"),
    "05 a number in place of rows": (lambda: fit(net(), (torch.tensor(1.0), torch.tensor(1))), "without rows"),
    "06 no rows": (lambda: fit(net(), (X[:0], LABELS[:0])), "no rows"),
    "07 cross-entropy of one class": (lambda: fit(net(4, 1), (X, LABELS * 0)), "L03"),
    "08 no class": (lambda: fit(net(4, 0), (X, LABELS * 0)), "0 classes"),
    "09 a channel axis too many in the target": (lambda: fit(Images(), (IMAGES, MASKS[..., None])), "shape"),
    "10 classes on the last axis": (
        lambda: fit(nn.Linear(4, 3), (torch.randn(N, 7, 4), torch.randint(0, 3, (N, 7)))),
        "classes seem to be on the last axis",
    ),
    "11 class indices as floats": (lambda: fit(net(), (X, LABELS.float())), "target.long\\(\\)"),
    "12 class indices as bool": (lambda: fit(net(4, 2), (X, LABELS > 0)), "target.long\\(\\)"),
    "12 int32 targets of torch's loss": (lambda: fit(net(), (X, LABELS.int()), loss=nn.CrossEntropyLoss()), "long"),
    "13 bool inputs": (lambda: fit(net(), (X > 0, LABELS)), "dtype"),
    "14 complex inputs": (lambda: fit(net(), (X + 0j, LABELS)), "dtype"),
    "15 float64 model, float32 data": (lambda: fit(net().double(), (X, LABELS)), "dtype"),
    "15 float32 model, float64 data": (lambda: fit(net(), (X.double(), LABELS)), "dtype"),
    "17 fp8 inputs": (lambda: fit(net(), (X.to(torch.float8_e4m3fn), LABELS)), "dtype"),
    "18 sparse inputs": (lambda: fit(net(), (X.to_sparse(), LABELS)), "sparse"),
    "18 nested inputs": (lambda: fit(net(), (torch.nested.nested_tensor([X[0], X[1]]), LABELS[:2])), "nested"),
    "21 inputs on the meta device": (lambda: fit(net(), (X.to("meta"), LABELS)), "meta"),
    "21 a model on the meta device": (lambda: fit(net().to("meta"), (X, LABELS)), "meta"),
    "21 a device that is not there": (lambda: fit(net(), (X, LABELS), device="gpu"), "device"),
    "22 an object array with text": (
        lambda: fit(net(), (numpy.array([[1, "a", 2, 3]] * N, dtype=object), LABELS.numpy())),
        "text",
    ),
    "26 NaN in the inputs": (lambda: fit(net(), (with_value(X, NAN), LABELS)), "4 of 128 input values"),
    "27 NaN in the target": (
        lambda: fit(numbers_net(), (X, with_value(NUMBERS[:, None], NAN)), loss="mse"),
        "1 of 32 target values",
    ),
    "28 infinity in the inputs": (lambda: fit(net(), (with_value(X, INF), LABELS)), "4 of 128 input values"),
    "32 logits in place of probabilities": (
        lambda: fit(numbers_net(), (X, (NUMBERS[:, None] > 0).float()), loss=nn.BCELoss()),
        "probabilities",
    ),
    "33 negative weights": (lambda: fit(net(), (X, LABELS, -torch.ones(N))), "weight must be >= 0"),
    "33 negative class weights": (lambda: fit(net(), (X, LABELS), class_weight=[1.0, 1.0, -1.0]), ">= 0"),
    "34 all weights 0": (lambda: fit(net(), (X, LABELS, torch.zeros(N))), "weight 0"),
    "35 NaN weights": (lambda: fit(net(), (X, LABELS, torch.full((N,), NAN))), "weight must be >= 0"),
    "36 class weights of another length": (lambda: fit(net(), (X, LABELS), class_weight=[1.0, 2.0]), "one weight per"),
    "37 a label equal to the number of classes": (lambda: fit(net(), (X, LABELS + 1)), "labels 3 with 3 classes"),
    "37 the same for torch's loss": (lambda: fit(net(), (X, LABELS + 1), loss=nn.CrossEntropyLoss()), "labels 3"),
    "38 a label of -1": (lambda: fit(net(), (X, LABELS - 1)), "labels -1"),
    "39 a label of -100 everywhere": (lambda: fit(net(), (X, LABELS * 0 - 100)), "ignore_index"),
    "41 label smoothing above 1": (lambda: fit(net(), (X, LABELS), loss="cross_entropy(label_smoothing=2)"), "in \\["),
    "41 label smoothing below 0": (lambda: fit(net(), (X, LABELS), loss="cross_entropy(label_smoothing=-1)"), "in \\["),
    "47 an empty data set": (lambda: fit(net(), TensorDataset(X[:0], LABELS[:0])), "empty"),
    "47 no batch": (lambda: fit(net(), []), "no batch"),
    "48 one sample and a validation share": (lambda: fit(net(), (X[:1], LABELS[:1]), validation=0.2), "without rows"),
    "57 a generator, read once": (lambda: fit(net(), (b for b in [(X, LABELS)])), "read once"),
    "63 a negative learning rate": (lambda: fit(net(), (X, LABELS), learning_rate=-1.0), "lr is -1.0"),
    "63 a learning rate that is NaN": (lambda: fit(net(), (X, LABELS), learning_rate=NAN), "lr is nan"),
    "64 a model without parameters": (lambda: fit(nn.ReLU(), (X, LABELS)), "no parameter"),
    "65 all parameters frozen": (lambda: fit(net().requires_grad_(False), (X, LABELS)), "no parameter"),
    "68 two outputs": (lambda: fit(Gives(lambda o, x: (o, x)), (X, LABELS)), "gives a tuple"),
    "71 a number in place of a tensor": (lambda: fit(Gives(lambda o, x: 3.0), (X, LABELS)), "gives a float"),
    "76 a file where a folder should be": (lambda: fit(net(), (X, LABELS), out=f"{__file__}/run"), "written"),
    "names: a loss": (lambda: fit(net(), (X, LABELS), loss="cros_entropy"), "'cross_entropy'"),
    "names: an optimizer": (lambda: fit(net(), (X, LABELS), optimizer="adamz"), "'adam'"),
    "names: an option of an optimizer": (lambda: fit(net(), (X, LABELS), optimizer="adam(beta=1)"), "no argument"),
    "names: a schedule": (lambda: fit(net(), (X, LABELS), schedule="cosin"), "'cosine'"),
    "names: a metric": (lambda: fit(net(), (X, LABELS), metrics=["acuracy"]), "'accuracy'"),
    "names: a data set": (lambda: fit(net(), "digitz"), "'digits'"),
    "names: a model": (lambda: fit("mlq", "digits"), "'mlp'"),
    "no model": (lambda: fit(None, (X, LABELS)), "nn.Module"),
    "no data": (lambda: fit(net(), None), "features and target"),
    "features alone": (lambda: fit(net(), X), "\\(X, y\\)"),
    "no epochs": (lambda: fit(net(), (X, LABELS), epochs=0), "epochs is 0"),
    "a share above 1": (lambda: fit(net(), (X, LABELS), validation=1.5), "between 0 and 1"),
    "a clip below 0": (lambda: fit(net(), (X, LABELS), clip_norm=-1), "above 0"),
    "a precision that nobody knows": (lambda: fit(net(), (X, LABELS), precision="fp16"), "float16"),
    "a number as callback": (lambda: fit(net(), (X, LABELS), callbacks=3), "function of an event"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore")
def test_refused_with_what_was_seen_and_the_repair(name):
    attempt, words = REFUSED[name]
    with pytest.raises(SteepestError, match=words) as caught:
        attempt()
    assert caught.value.seen and caught.value.needed and caught.value.repair


def losses_of(history):
    return [row["loss"] for row in history]


SAME_AS_PLAIN = {
    "12 int32 class indices": lambda: fit(net(), (X, LABELS.int())),
    "12 uint8 class indices": lambda: fit(net(), (X, LABELS.byte())),
    "19 rows that do not lie one after the other": lambda: fit(net(), (X.t().contiguous().t(), LABELS)),
    "25 data that ask for gradients": lambda: fit(net(), (X.clone().requires_grad_(), LABELS)),
}


@pytest.mark.parametrize("name", SAME_AS_PLAIN)
def test_taken_as_if_it_were_plain(name):
    assert losses_of(SAME_AS_PLAIN[name]()) == pytest.approx(losses_of(fit(net(), (X, LABELS))), rel=1e-6)


def readonly(array):
    array.setflags(write=False)
    return array


READ = {
    "19 negative strides": lambda: (X.numpy()[::-1], LABELS.numpy()[::-1]),
    "20 read-only arrays": lambda: (readonly(X.numpy().copy()), readonly(LABELS.numpy().copy())),
    "23 a frame whose index has gaps": lambda: (
        pandas.DataFrame(X.numpy()).iloc[::2],
        pandas.Series(LABELS.numpy()).iloc[::2],
    ),
    "24 lists of lists": lambda: (X.tolist(), LABELS.tolist()),
    "61 classes named in words": lambda: (X.numpy(), numpy.array(["ä", "ö", "名"])[LABELS.numpy()]),
}


@pytest.mark.parametrize("name", READ)
def test_read_as_it_is(name):
    history = fit("mlp", READ[name](), epochs=3)
    assert history.stopped == "finished" and losses_of(history)[-1] < losses_of(history)[0]


TRAINED = {
    "16 half precision weights and data": lambda: fit(net().bfloat16(), (X.bfloat16(), LABELS)),
    "19 one row seen many times": lambda: fit(net(), (X[:1].expand(N, 4), LABELS)),
    "48 one sample": lambda: fit(net(), (X[:1], LABELS[:1])),
    "49 one class only": lambda: fit(net(), (X, LABELS * 0), validation=0.25, metrics=["accuracy", "f1"]),
    "50 a class that only the validation has": lambda: fit(
        net(), (X, LABELS.clamp(max=1)), validation=(X, LABELS), metrics=["accuracy", "f1"]
    ),
    "51 constant features": lambda: fit("mlp", (X.numpy() * 0 + 1, LABELS.numpy()), standardise=True),
    "55 a last batch of one row before BatchNorm": lambda: fit(
        nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)), (X[:9], LABELS[:9])
    ),
    "56 a batch larger than the data": lambda: fit(net(), (X, LABELS), batch_size=1000),
    "59 a loader of mappings": lambda: fit(net(), [{"x": X, "labels": LABELS}]),
    "59 a loader of triples": lambda: fit(net(), [(X, LABELS, torch.ones(N))]),
    "62 features of scale 1e9": lambda: fit(net(), (X * 1e9, LABELS)),
    "63 a learning rate of 0": lambda: fit(net(), (X, LABELS), learning_rate=0.0),
    "66 parameters that are not used": lambda: fit(Gives(lambda o, x: x[:, :3] * o.sum(1, keepdim=True)), (X, LABELS)),
    "72 a branch on values": lambda: fit(Gives(lambda o, x: o if x.sum() > 0 else -o), (X, LABELS)),
}


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.filterwarnings("ignore")
def test_trained_to_the_end_with_finite_numbers(name):
    history = TRAINED[name]()
    assert history.stopped == "finished"
    assert all(value == value and abs(value) < INF for value in losses_of(history))


def test_57_a_data_set_without_a_length_trains_to_its_end():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(zip(X, LABELS))

    history = fit(net(), Stream(), epochs=2)
    assert len(history) == 2 and history.stopped == "finished"


def test_58_an_error_of_the_loader_is_told_as_it_is_and_the_model_keeps_its_mode():
    model = net().eval()
    with pytest.raises(OSError, match="the disk is gone"):
        fit(model, DataLoader(Broken(), batch_size=1))
    assert not model.training


def test_52_53_rows_on_both_sides_and_a_column_that_is_the_target_are_told():
    x = torch.cat([X, LABELS[:, None].float()], 1)
    history = fit(net(5, 3), (x, LABELS), validation=(x[:8], LABELS[:8]))
    assert "Column 4" in repr(history) and "8 of the 8 validation rows" in repr(history)


def test_54_a_class_of_one_row_among_many_is_trained_on():
    history = fit(net(4, 2), (torch.randn(10_001, 4), (torch.arange(10_001) == 7).long()), batch_size=2048)
    assert history.stopped == "finished" and losses_of(history)[0] < INF


@pytest.mark.filterwarnings("ignore")
def test_60_workers_that_cannot_be_sent_the_data_set_say_so():
    rows = TensorDataset(X, LABELS)
    rows.change = lambda x: x
    with pytest.raises((AttributeError, TypeError, PicklingError), match="(?i)pickle"):
        fit(net(), DataLoader(rows, 8, num_workers=1, multiprocessing_context="spawn"))


def test_63_a_run_that_diverges_says_so_and_keeps_the_weights_of_the_best_epoch_before():
    history = fit(net(), (X * 100, LABELS), learning_rate=1e10, optimizer="sgd", epochs=5)
    assert history.stopped == "diverged" and "diverged" in str(history)


def test_67_tied_weights_stay_tied():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.Linear(4, 3))
    model[2].weight = model[0].weight
    fit(model, (X, LABELS), epochs=2)
    assert model[2].weight is model[0].weight


class Doubles(nn.Module):
    """As nn.ReLU(inplace=True) does when it comes first."""

    def __init__(self):
        super().__init__()
        self.layer = net()

    def forward(self, x):
        return self.layer(x.mul_(2))


@pytest.mark.parametrize("validation", [None, 0.25, (X, LABELS)], ids=["none", "share", "pair"])
def test_70_a_model_that_writes_into_its_input_leaves_the_data_alone(validation):
    x = X.clone()
    kept = None if not isinstance(validation, tuple) else (x, LABELS)
    fit(Doubles(), (x, LABELS), validation=kept or validation, batch_size=64, epochs=2)
    assert torch.equal(x, X)
