"""st.evaluate and the bad inputs: one clear typed error with the repair, or the result that the title names."""

from __future__ import annotations

import numpy
import pytest
import torch
from plain_data import INF, LABELS, NAN, NUMBERS, Gives, N, X, net, with_value
from torch import nn

import steepest
from steepest.core.errors import SteepestError


def evaluate(model, data, **options):
    return steepest.evaluate(model, data, **{"loss": "cross_entropy", "device": "cpu"} | options)


REFUSED = {
    "01 output (N,), target (N, 1)": (
        lambda: evaluate(nn.Sequential(net(4, 1), nn.Flatten(0)), (X, NUMBERS[:, None]), loss="mse"),
        "reshape\\(32\\)",
    ),
    "02 output (N, 1), target (N,)": (lambda: evaluate(net(4, 1), (X, NUMBERS), loss="mse"), "reshape\\(32, 1\\)"),
    "03 output (N, C), target (N, C - 1)": (lambda: evaluate(net(), (X, torch.rand(N, 2))), "shape"),
    "04 one row fewer in the target": (lambda: evaluate(net(), (X, LABELS[:-1])), "another tensor has 31"),
    "05 a number in place of rows": (lambda: evaluate(net(), (torch.tensor(1.0), torch.tensor(1))), "without rows"),
    "06 no rows": (lambda: evaluate(net(), (X[:0], LABELS[:0])), "no rows"),
    "11 class indices as floats": (lambda: evaluate(net(), (X, LABELS.float())), "target.long\\(\\)"),
    "14 complex inputs": (lambda: evaluate(net(), (X + 0j, LABELS)), "dtype"),
    "15 float64 model, float32 data": (lambda: evaluate(net().double(), (X, LABELS)), "dtype"),
    "18 sparse inputs": (lambda: evaluate(net(), (X.to_sparse(), LABELS)), "sparse"),
    "21 inputs on the meta device": (lambda: evaluate(net(), (X.to("meta"), LABELS)), "meta"),
    "22 an object array with text": (
        lambda: evaluate(net(), (numpy.array([[1, "a", 2, 3]] * N, dtype=object), LABELS.numpy())),
        "text",
    ),
    "26 NaN in the inputs": (lambda: evaluate(net(), (with_value(X, NAN), LABELS)), "NaN for row 3"),
    "27 NaN in the target": (
        lambda: evaluate(net(4, 1), (X, with_value(NUMBERS[:, None], NAN)), loss="mse"),
        "NaN",
    ),
    "29 all logits of a row are -inf": (
        lambda: evaluate(lambda x: with_value(x[:, :3].clone(), -INF), (X, LABELS)),
        "no softmax is defined for row 3",
    ),
    "28 an infinite logit": (
        lambda: evaluate(lambda x: with_value(x[:, :3].clone(), INF), (X, LABELS)),
        "no softmax is defined for row 3",
    ),
    "32 logits said to be probabilities": (
        lambda: evaluate(net(), (X, LABELS), loss=None, from_logits=False),
        "from_logits=True",
    ),
    "32 logits and a loss of probabilities": (
        lambda: evaluate(net(4, 1), (X, (LABELS > 0).float()[:, None]), loss="bce"),
        "values in \\[0, 1\\]",
    ),
    "33 negative weights": (lambda: evaluate(net(), (X, LABELS, -torch.ones(N))), "weight must be >= 0"),
    "34 all weights 0": (lambda: evaluate(net(), (X, LABELS, torch.zeros(N))), "weight 0"),
    "35 NaN weights": (lambda: evaluate(net(), (X, LABELS, torch.full((N,), NAN))), "weight must be >= 0"),
    "39 a label of -100 everywhere": (lambda: evaluate(net(), (X, LABELS * 0 - 100)), "ignore_index=-100"),
    "37 a label equal to the number of classes": (lambda: evaluate(net(), (X, LABELS + 1)), "labels in 0..2"),
    "38 a label of -1": (lambda: evaluate(net(), (X, LABELS - 1)), "labels in 0..2"),
    "47 no batch": (lambda: evaluate(net(), []), "no batch"),
    "57 a generator, read once": (lambda: evaluate(net(), (b for b in [(X, LABELS)])), "read once"),
    "68 two outputs": (lambda: evaluate(Gives(lambda o, x: (o, x)), (X, LABELS)), "gives a tuple"),
    "71 a number in place of a tensor": (lambda: evaluate(Gives(lambda o, x: 3.0), (X, LABELS)), "gives a float"),
    "76 a folder that is not there": (lambda: steepest.evaluate("/nonexistent", "digits"), "No such file"),
    "no model": (lambda: evaluate(None, (X, LABELS)), "nn.Module"),
    "slices of another length": (lambda: evaluate(net(), (X, LABELS), slices={"a": torch.zeros(5)}), "32 rows"),
    "slices that are a number": (lambda: evaluate(net(), (X, LABELS), slices=5), "one value for each row"),
    "names: a metric": (lambda: evaluate(net(), (X, LABELS), metrics=["acuracy"]), "'accuracy'"),
    "a metric of another task": (lambda: evaluate(net(), (X, LABELS), metrics=["r2"]), "classification"),
    "a level above 1": (lambda: evaluate(net(), (X, LABELS), level=1.5), "between 0 and 1"),
    "a share above 1": (lambda: evaluate(net(), (X, LABELS), held_out=2.0), "between 0 and 1"),
    "too few names": (lambda: evaluate(net(), (X, LABELS), class_names=["a", "b"]), "one name for each class"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore")
def test_refused_with_what_was_seen_and_the_repair(name):
    attempt, words = REFUSED[name]
    with pytest.raises(SteepestError, match=words) as caught:
        attempt()
    assert caught.value.seen and caught.value.needed and caught.value.repair


class Certain(nn.Module):
    """Probability 1 for the true class of each row, in the order of the rows."""

    def forward(self, x):
        return nn.functional.one_hot(LABELS[: len(x)], 3).float()


JUDGED = {
    "16 half precision": (lambda: Gives(lambda o, x: o.bfloat16()), LABELS),
    "12 int32 class indices": (lambda: net(), LABELS.int()),
    "30 logits of 1e30": (lambda: Gives(lambda o, x: o * 1e30), LABELS),
    "48 one sample": (lambda: net(), LABELS[:1]),
    "49 one class only": (lambda: net(), LABELS * 0),
    "50 classes that no sample has": (lambda: net(4, 5), LABELS),
    "54 one positive among all": (lambda: net(4, 2), (torch.arange(N) == 0).long()),
}


@pytest.mark.parametrize("name", JUDGED)
def test_judged_with_an_accuracy_and_its_interval(name):
    model, labels = JUDGED[name]
    found = evaluate(model(), (X[: len(labels)], labels))["accuracy"]
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_31_probabilities_of_exactly_0_and_1_have_a_finite_loss():
    found = evaluate(Certain(), (X, LABELS), loss=None, from_logits=False)
    assert found["accuracy"].value == 1 and found["log_loss"].value < 1e-12 and found["brier"].value < 1e-12


def test_58_an_error_of_the_loader_is_told_as_it_is_and_the_model_keeps_its_mode():
    def gone():
        yield X[:4], LABELS[:4]
        raise OSError("the disk is gone")

    class Source:
        def __iter__(self):
            return gone()

    model = net().train()
    with pytest.raises(OSError, match="the disk is gone"):
        evaluate(model, Source())
    assert model.training


def test_70_a_model_that_writes_into_its_input_leaves_the_data_alone():
    class Doubles(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = net()

        def forward(self, x):
            return self.layer(x.mul_(2))

    x = X.clone()
    evaluate(Doubles(), (x, LABELS))
    assert torch.equal(x, X)


def test_83_names_with_markup_stay_text_on_the_page(tmp_path):
    evil = ["<script>alert(1)</script>", 'a "b" & c', "<img src=x onerror=alert(1)>"]
    rows = ["<b>x</b>"] * 16 + ["&amp;"] * 16
    page = tmp_path / "page.html"
    evaluate(net(), (X, LABELS), class_names=evil, slices={"<i>part</i>": rows}).write(page)
    text = page.read_text("utf-8")
    assert "<script>alert" not in text and "<img src=x" not in text and "<i>part" not in text and "<b>x" not in text
    assert "&lt;script&gt;alert" in text
