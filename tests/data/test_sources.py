"""The one door: what a user names is recognised by its form, and what is not gets its repair."""

from __future__ import annotations

import sys

import numpy as np
import pandas
import pytest
import torch

from steepest import data
from steepest.core.errors import DataError, SteepestError, UnknownName, UsageError
from steepest.data import Data, load

MINE = """
import numpy, torch
from torch.utils.data import TensorDataset

X, y = numpy.arange(12.0).reshape(6, 2), [0, 1] * 3
pair = (X, y)
triple = (X, y, y)
dataset = TensorDataset(torch.tensor(X), torch.tensor(y))
name = "digits"
nothing = None

class Holder:
    inner = pair

def build(n=6):
    return X[:n], y[:n]

def fails():
    return X.mean(axis=7)

def reads_beside():
    import beside
    return beside.pair

class MySet(TensorDataset):
    def __init__(self):
        super().__init__(torch.tensor(X), torch.tensor(y))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    (tmp_path / "beside.py").write_text("pair = ([[1.0], [2.0]], [0, 1])\n", encoding="utf-8")
    yield tmp_path
    for name in ("mine", "beside"):
        sys.modules.pop(name, None)


def refusal(spec, error=DataError, **options):
    with pytest.raises(error) as caught:
        load(spec, **options)
    assert isinstance(caught.value, SteepestError) and caught.value.repair and caught.value.needed
    return caught.value


@pytest.mark.parametrize("attribute", ["pair", "dataset", "build", "build(n=6)", "Holder.inner", "MySet"])
@pytest.mark.parametrize("place", ["mine.py", "mine", "./mine.py"])
def test_an_object_or_factory_of_the_users_file_gives_data(place, attribute):
    found = load(f"{place}:{attribute}")
    assert found.x.tolist() == np.arange(12.0).reshape(6, 2).tolist() and found.y.tolist() == [0, 1] * 3


def test_a_factory_may_import_what_lies_beside_it_and_the_path_is_put_back():
    before = list(sys.path)
    assert load("mine.py:reads_beside").n_samples == 2
    assert sys.path == before


def test_the_data_are_called_by_their_attribute():
    assert load("mine.py:pair").name == "pair"


@pytest.mark.parametrize(
    ("spec", "error", "seen", "repair"),
    [
        ("mine.py:pear", DataError, "'pear'", "'pair'"), ("mein.py:pair", DataError, "no such file", "'mine.py'"), ("mein:pair", DataError, "no module", "mein.py:pair"),
        ("mine.py:triple", DataError, "tuple of 3", "(X, y)"), ("mine.py:X", DataError, "ndarray alone", "(X, y)"), ("mine.py:nothing", DataError, "NoneType", "digits"),
        ("mine.py:name", DataError, "the text 'digits'", "--data digits"), ("mine.py:fails", DataError, "mine.py line 19: `return X.mean(axis=7)` raised AxisError", "mine.py line 19"),
        ("mine.py:pair(n=3)", DataError, "no options", "mine.py:pair"), ("mine.py:build(m=3)", DataError, "TypeError", "Mend"),
        ("digit", UnknownName, "'digit'", "'digits'"), ("two_moons(nois=0.3)", UsageError, "'nois'", "'noise'"), ("two_moons(0.3)", DataError, "cannot be read", "by name"),
        ("no/such/folder", DataError, "no file, folder or data set", "digits"), ("", DataError, "''", "digits"), (7, DataError, "int", "table.csv:target"), (None, DataError, "NoneType", "digits"),
        (torch.zeros(3, 2), DataError, "Tensor alone", "(X, y)"), ([[1], [2]], DataError, "list alone", "(X, y)"), ((1, 2, 3), DataError, "tuple of 3", "(X, y)"),
    ],
    ids=str,
)
def test_what_is_no_data_gets_its_repair(spec, error, seen, repair):
    found = refusal(spec, error)
    assert seen in found.seen and repair in f"{found.needed} {found.repair}"


def test_a_file_of_unknown_ending_and_a_target_for_a_named_set_are_refused(folder):
    (folder / "table.xlsx").write_text("x")
    assert ".csv" in refusal("table.xlsx").needed
    assert "Leave target out" in refusal("digits", UsageError, target="y").repair


def test_a_name_goes_before_a_folder_of_that_name(folder):
    (folder / "digits").mkdir()
    assert load("digits").n_samples == 1797
    assert "it is empty" in refusal("./digits").seen


def test_what_scikit_learn_returns_is_understood():
    from sklearn.datasets import load_diabetes, load_wine

    assert load(load_wine()).n_classes == 3 and load(load_diabetes()).feature_names[0] == "age"


def test_a_table_library_with_to_pandas_is_understood():
    class Frame:
        def to_pandas(self):
            return pandas.DataFrame({"a": [1, 2, 3], "y": ["u", "v", "u"]})

    assert load(Frame(), target="y").class_names == ("u", "v")


def test_errors_do_not_execute_options():
    assert "plain numbers" in refusal("two_moons(noise=__import__('os').getpid())").repair


def test_a_catalogue_offers_its_door_and_its_sets():
    assert data.load is load and data.Data is Data and callable(data.download)
    assert {"load", "Data", "download", "digits"} <= set(dir(data)) and "load" not in data
    assert data.digits().n_samples == 1797 and data["digits"] is data.digits
