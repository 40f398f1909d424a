"""steepest.data.load and the bad inputs: one clear typed error with the repair, or the data that the title names."""

from __future__ import annotations

import numpy
import pandas
import pytest
import torch
from plain_data import INF, LABELS, NAN, NUMBERS, N, X, with_value
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from steepest.core.errors import SteepestError
from steepest.data import load


class Rows(Dataset):
    """give(i) is sample i."""

    def __init__(self, give, n=N):
        self.give, self.n = give, n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return self.give(i)


class Stream(IterableDataset):
    def __iter__(self):
        return iter(zip(X, LABELS))


def gone(i):
    if i == 3:
        raise OSError("the disk is gone")
    return X[i], LABELS[i]


IMAGES = torch.randn(N, 1, 5, 5)
MASKS = torch.randint(0, 3, (N, 5, 5))

REFUSED = {
    "03 rows of different lengths": (lambda: load(([[1, 2], [3]] * 16, LABELS)), "Pad"),
    "04 one row fewer in the target": (lambda: load((X, LABELS[:-1])), "x has 32 rows and y has 31"),
    "05 a number in place of rows": (lambda: load((torch.tensor(1.0), torch.tensor(1))), "exchanged"),
    "06 no rows": (lambda: load((X[:0], LABELS[:0])), "no rows"),
    "08 no column": (lambda: load((X[:, :0], LABELS)), "no feature"),
    "14 complex numbers": (lambda: load((X + 0j, LABELS)), "view_as_real"),
    "14 complex targets": (lambda: load((X, NUMBERS + 0j)), "y.real"),
    "18 a sparse tensor": (lambda: load((X.to_sparse(), LABELS)), "to_dense"),
    "18 a nested tensor": (lambda: load((torch.nested.nested_tensor([X[0], X[1]]), LABELS[:2])), "to_padded_tensor"),
    "18 a nested target": (lambda: load((X[:2], torch.nested.nested_tensor([X[0], X[1]]))), "nested"),
    "18 a quantized tensor": (
        lambda: load((torch.quantize_per_tensor(X, 0.1, 0, torch.qint8), LABELS)),
        "dequantize",
    ),
    "21 inputs on the meta device": (lambda: load((X.to("meta"), LABELS)), "device meta"),
    "21 targets on the meta device": (lambda: load((X, LABELS.to("meta"))), "on meta"),
    "22 an object array with text": (
        lambda: load((numpy.array([[1, "a", 2, 3]] * N, dtype=object), LABELS)),
        "get_dummies",
    ),
    "23 a frame and a series in another order": (
        lambda: load((pandas.DataFrame(X.numpy()), pandas.Series(LABELS.numpy()).iloc[::-1])),
        "y.loc\\[x.index\\]",
    ),
    "26 NaN in the inputs": (lambda: load((with_value(X, NAN), LABELS)), "NaN in row 3"),
    "27 NaN in the target": (lambda: load((X, with_value(NUMBERS, NAN))), "first in row 3"),
    "28 infinity in the inputs": (lambda: load((with_value(X, INF), LABELS)), "inf in row 3"),
    "28 infinity in the target": (lambda: load((X, with_value(NUMBERS, INF))), "inf in row 3"),
    "30 numbers beyond float32": (lambda: load((X.double() * 1e39, LABELS)), "what float32 holds"),
    "37 a label without a name": (
        lambda: load((pandas.DataFrame(X.numpy()), LABELS)).numbered_as(["a", "b"], 2),
        "the classes of training were needed: a, b",
    ),
    "39 a label of -100 everywhere": (lambda: load((X, LABELS * 0 - 100)), "at least two classes"),
    "39 a label of -100 at every pixel": (lambda: load((IMAGES, MASKS * 0 - 100)), "at least two classes"),
    "40 pixels that nobody judged, by 255": (
        lambda: load((IMAGES, torch.where(MASKS == 1, 255, MASKS))),
        "y\\[y == 255\\] = -100",
    ),
    "46 2**31 rows that hold no numbers": (
        lambda: load((torch.empty(1, 1, device="meta").expand(2**31, 1), torch.empty(1, device="meta").expand(2**31))),
        "device meta",
    ),
    "47 an empty data set": (lambda: load(TensorDataset(X[:0], LABELS[:0])), "no rows"),
    "48 one sample": (lambda: load((X[:1], LABELS[:1])), "at least two classes"),
    "49 one class only": (lambda: load((X, LABELS * 0)), "at least two classes"),
    "49 one number only": (lambda: load((X, NUMBERS * 0 + 0.5), task="regression"), "targets that differ"),
    "57 a generator, read once": (lambda: load(b for b in [(X, LABELS)]), "features and target"),
    "57 a limit of 0": (lambda: load(Stream(), limit=0), "limit is 0"),
    "58 a data set that raises in the middle": (lambda: load(Rows(gone)), "reading number 3 raised OSError"),
    "58 a loader that raises in the middle": (lambda: load(DataLoader(Rows(gone), 2)), "the disk is gone"),
    "59 samples that are mappings": (lambda: load(Rows(lambda i: {"x": X[i], "y": LABELS[i]})), "sample\\['x'\\]"),
    "59 samples of three": (lambda: load(Rows(lambda i: (X[i], LABELS[i], 1.0))), "two things"),
    "59 three arrays": (lambda: load((X, LABELS, torch.ones(N))), "a tuple of 3"),
    "83 a path out of the folder": (lambda: load("../../no-such-folder/t.csv:y"), "no such file"),
    "84 YAML with an object in it": ("conf.yaml", "!!python/object/apply:os._exit [66]", "ending '.yaml'"),
    "84 a pickle": ("data.pkl", "cos\n_exit\n(I66\ntR.", "ending '.pkl'"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore")
def test_refused_with_what_was_seen_and_the_repair(name, tmp_path):
    attempt, *content, words = REFUSED[name]
    if content:
        place = tmp_path / attempt
        place.write_text(content[0])
        attempt = lambda: load(str(place))  # noqa: E731
    with pytest.raises(SteepestError, match=words) as caught:
        attempt()
    assert caught.value.seen and caught.value.needed and caught.value.repair


def readonly():
    array = X.numpy().copy()
    array.setflags(write=False)
    return array


SAME = {
    "02 targets (N, 1)": lambda: (X, LABELS[:, None]),
    "11 class indices as floats": lambda: (X, LABELS.float()),
    "12 int32 class indices": lambda: (X, LABELS.int()),
    "12 uint8 class indices": lambda: (X, LABELS.byte()),
    "15 float64 features": lambda: (X.double(), LABELS),
    "19 rows that do not lie one after the other": lambda: (X.t().contiguous().t(), LABELS),
    "19 negative strides": lambda: (X.numpy()[::-1].copy()[::-1], LABELS.numpy()[::-1].copy()[::-1]),
    "20 read-only arrays": lambda: (readonly(), LABELS.numpy()),
    "22 an object array of numbers": lambda: (X.numpy().astype(object), LABELS.numpy().astype(object)),
    "23 a frame whose index has gaps": lambda: (
        pandas.DataFrame(X.numpy(), index=range(0, 2 * N, 2)),
        pandas.Series(LABELS.numpy(), index=range(0, 2 * N, 2)),
    ),
    "24 lists of lists": lambda: (X.tolist(), LABELS.tolist()),
    "25 data that ask for gradients": lambda: (X.clone().requires_grad_(), LABELS),
    "57 a data set without a length": Stream,
    "61 classes named in words": lambda: (X, numpy.array(["ä", "ö", "名"])[LABELS]),
    "61 classes named in bytes": lambda: (X, numpy.array([b"a", b"b\xff", b"c"])[LABELS]),
    "83 classes named in markup": lambda: (X, numpy.array(['"&', "<script>", "x" * 10_000])[LABELS]),
}


@pytest.mark.parametrize("name", SAME)
def test_read_as_if_it_were_plain(name):
    data = load(SAME[name]())
    assert torch.equal(data.x, X) and torch.equal(data.y, LABELS) and data.n_classes == 3


READ = {
    "09 masks with an axis too many keep it, and fit refuses them": ((IMAGES, MASKS[..., None]), (N, 5, 5, 1), 3),
    "10 a class for each step of a series": ((torch.randn(N, 7, 4), torch.randint(0, 3, (N, 7))), (N, 7), 3),
    "12 truth values": ((X, LABELS > 0), (N,), 2),
    "13 truth values as features": ((X > 0, LABELS), (N,), 3),
    "16 half precision": ((X.bfloat16(), LABELS), (N,), 3),
    "17 eight-bit numbers": ((X.to(torch.float8_e4m3fn), LABELS), (N,), 3),
    "19 one row seen many times": ((X[:1].expand(N, 4), LABELS), (N,), 3),
    "38 a label of -1 is a name": ((X, torch.where(LABELS > 0, 1, -1)), (N,), 2),
    "37 labels that begin at 1 are names": ((X, LABELS + 1), (N,), 3),
    "45 denormal numbers": ((X * 1e-42, LABELS), (N,), 3),
    "51 constant features": ((X * 0 + 1, LABELS), (N,), 3),
    "54 one positive among 10,000": ((torch.randn(10_001, 2), torch.arange(10_001) == 7), (10_001,), 2),
    "62 features of scale 1e9": ((X * 1e9, LABELS), (N,), 3),
}


@pytest.mark.parametrize("name", READ)
@pytest.mark.filterwarnings("ignore")
def test_read_with_as_many_classes_and_finite_features(name):
    given, shape, n_classes = READ[name]
    data = load(given)
    assert data.y.shape == shape and data.n_classes == n_classes and bool(data.x.isfinite().all())


def test_60_workers_that_cannot_be_sent_the_data_set_are_not_needed():
    """A lambda cannot be pickled; in the order of its rows the data set is read without workers."""
    loader = DataLoader(Rows(lambda i: (X[i], LABELS[i])), 8, num_workers=1, multiprocessing_context="spawn")
    assert torch.equal(load(loader).x, X)


def test_50_classes_are_numbered_as_in_training_by_name_and_by_number():
    named = load((X, numpy.array(["a", "b", "c"])[LABELS]))
    part = load((X, numpy.array(["b", "c"])[(LABELS > 1).long()])).numbered_as(named.class_names, 3)
    assert part.y.unique().tolist() == [1, 2] and part.class_names == ("a", "b", "c")
    by_number = load((X, (LABELS > 0).long() + 1)).numbered_as(None, 3)
    assert by_number.y.unique().tolist() == [1, 2] and by_number.n_classes == 3 and by_number.class_names is None
