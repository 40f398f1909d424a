"""Data made from arrays, tensors, tables and lists; what cannot be learned from is refused with row, column and repair."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas
import pytest
import torch

from steepest.core.errors import DataError
from steepest.data import Data

X = [[1, 2], [3, 4], [5, 6], [7, 8]]
LABELS = [0, 1, 1, 0]


def refusal(x, y, **options):
    with pytest.raises(DataError) as caught:
        Data.of(x, y, **options)
    assert caught.value.seen and caught.value.needed and caught.value.repair
    return caught.value


# -- features -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "x",
    [
        X, tuple(map(tuple, X)), np.array(X), np.array(X, dtype=object), np.array(X, dtype=np.uint16), np.array(X, dtype=">f8"), np.array(X, dtype=np.float16),
        np.asfortranarray(X), np.array(X)[::-1][::-1], torch.tensor(X), torch.tensor(X, dtype=torch.bfloat16), torch.tensor(X).double().requires_grad_(),
        pandas.DataFrame(X), pandas.DataFrame(X, dtype="Int64"), np.array(X, dtype=np.uint8), np.longdouble(X),
    ],
    ids=lambda x: f"{type(x).__name__}-{getattr(x, 'dtype', '')}",
)
def test_numbers_of_every_kind_become_float32(x):
    data = Data.of(x, LABELS)
    assert data.x.dtype == torch.float32 and data.x.tolist() == X and not data.x.requires_grad and data.x.device.type == "cpu"


def test_read_only_and_memory_mapped_arrays_are_copied_not_shared(tmp_path):
    array = np.array(X, dtype=np.float32)
    array.setflags(write=False)
    data = Data.of(array, LABELS)
    data.x[0, 0] = 9
    assert array[0, 0] == 1


def test_eight_bit_images_are_scaled_and_eight_bit_tables_are_not():
    images = np.full((4, 2, 2), 255, dtype=np.uint8)
    images[0] = 51
    assert Data.of(images, LABELS).x.unique().tolist() == pytest.approx([0.2, 1.0])
    assert Data.of(torch.from_numpy(images).unsqueeze(1), LABELS).x.max() == 1
    assert Data.of(images.reshape(4, 4), LABELS).x.max() == 255
    assert Data.of(images.astype(np.float32), LABELS).x.max() == 255


def test_columns_give_the_feature_names_and_truth_values_are_numbers():
    data = Data.of(pandas.DataFrame({"age": [1, 2, 3, 4], "is_tall": [True, False, True, True]}), LABELS)
    assert data.feature_names == ("age", "is_tall") and data.x[:, 1].tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize(
    ("x", "seen", "repair"),
    [
        ([[1, 2], [3, np.nan], [5, 6], [7, 8]], "NaN in row 1 (counted from 0)", "median"),
        (torch.tensor([[1, 2], [3, 4], [5, 6], [7, -torch.inf]]), "-inf in row 3", "logarithm"),
        (pandas.DataFrame({"a": [1, 2, 3, 4], "b": [1, None, 3, None]}), "'b' has 2 (first in row 1)", "dropna"),
        (pandas.DataFrame({"a": [1, 2, 3, np.inf]}), "row 3 (counted from 0), column 'a'", "logarithm"),
        (pandas.DataFrame({"a": [1, 2, 3, 4], "sex": ["f", "m", "f", "m"]}), "column 'sex' holds text ('f', 'm'", "get_dummies(frame, columns=['sex']"),
        (pandas.DataFrame({"d": pandas.to_datetime(["2020-01-01"] * 4)}), "dates", ".dt.days"),
        (pandas.DataFrame({"p": ["1.5", "2", "?", "4"]}), "numbers but for 1 cells, the first '?' in row 2", "na_values='?'"),
        (pandas.DataFrame({"p": ["1,5", "2", "3,25", "4"]}), "decimal comma", "decimal=','"),
        ([["a", 1], ["b", 2], ["c", 3], ["d", 4]], "text, 'a', in row 0", "get_dummies"),
        (np.array([[1, 2], [3, "x"], [5, 6], [7, 8]], dtype=object), "'x', in row 1 (counted from 0), column 1", "get_dummies"),
        (np.array([["2020-01-01"]] * 4, dtype="datetime64[D]"), "datetime64", "days"),
        (np.array(X) * 1j, "complex", "real"), (torch.tensor(X).float().to_sparse(), "layout", "to_dense"), (torch.tensor(X) * 1j, "complex", "view_as_real"),
        ([[1, 2], [3], [5, 6], [7, 8]], "different lengths", "Pad"), ([1, 2, 3, 4], "(4,)", "x.reshape(-1, 1)"), (3.0, "()", "exchanged"),
        ([[1e39, 2], [3, 4], [5, 6], [7, 8]], "x[0, 0] is 1e+39", "logarithm"), (torch.empty(4, 2, device="meta"), "device meta", "holds numbers"),
        (np.empty((4, 0)), "no feature", "columns"), (X[:3], "x has 3 rows and y has 4", "dropped"),
    ],
    ids=str,
)
def test_features_that_cannot_be_used_are_refused(x, seen, repair):
    error = refusal(x, LABELS)
    assert seen in error.seen and repair in error.repair


def test_a_sparse_matrix_is_refused_with_its_repair():
    from scipy.sparse import csr_matrix

    assert "x.toarray()" in refusal(csr_matrix(np.array(X)), LABELS).repair


def test_empty_data_are_refused():
    assert "no rows" in refusal(np.empty((0, 3)), np.empty(0, dtype=int)).seen
    assert "no rows" in refusal([], []).seen or "shape (0,)" in refusal([], []).seen


def test_features_of_scale_1e9_and_constant_columns_are_kept():
    data = Data.of([[1e9, 5], [2e9, 5], [-3e9, 5], [0, 5]], LABELS)
    assert data.x[:, 0].tolist() == [1e9, 2e9, -3e9, 0]


# -- targets --------------------------------------------------------------------------------------------------------------

ABCD = ["b", "a", "b", "c"]


@pytest.mark.parametrize(
    ("y", "index", "names"),
    [
        (LABELS, LABELS, None), (np.array(LABELS, dtype=np.uint8), LABELS, None), (torch.tensor(LABELS, dtype=torch.int32), LABELS, None),
        ([1, 2, 2, 1], [0, 1, 1, 0], ("1", "2")), ([-1, 1, 1, -1], [0, 1, 1, 0], ("-1", "1")), ([0, 2, 2, 0], [0, 1, 1, 0], ("0", "2")),
        ([True, False, True, True], [1, 0, 1, 1], ("False", "True")), (torch.tensor([True, False, True, True]), [1, 0, 1, 1], ("False", "True")),
        (ABCD, [1, 0, 1, 2], ("a", "b", "c")), (np.array(ABCD), [1, 0, 1, 2], ("a", "b", "c")), (np.array(ABCD, dtype=object), [1, 0, 1, 2], ("a", "b", "c")),
        (pandas.Series(ABCD), [1, 0, 1, 2], ("a", "b", "c")), (pandas.Series(LABELS, dtype="Int64"), LABELS, None),
        (pandas.Series(pandas.Categorical(ABCD, ["c", "b", "never", "a"])), [1, 2, 1, 0], ("c", "b", "a")),
        (pandas.Series(LABELS, dtype="category"), LABELS, None), (pandas.DataFrame({"y": ABCD}), [1, 0, 1, 2], ("a", "b", "c")),
        (np.array(LABELS).reshape(-1, 1), LABELS, None), ([0.0, 1.0, 1.0, 0.0], LABELS, None), ([torch.tensor(v) for v in LABELS], LABELS, None),
        (["ä", "猫", "ä", "🐈"], [0, 1, 0, 2], ("ä", "猫", "🐈")),
    ],
    ids=str,
)
def test_labels_are_numbered_and_keep_their_names(y, index, names):
    data = Data.of(X, y)
    assert data.task == "classification" and data.y.dtype == torch.int64
    assert data.y.tolist() == index and data.class_names == names and data.n_classes == max(index) + 1


@pytest.mark.parametrize("y", [[0.5, 1.5, 2.0, 3.0], torch.tensor([1.5, 2, 3, 3]), pandas.Series([1.25, 2, 3, 4]), np.array([[0.1], [1], [2], [3]]), [1.0, 2.0, 3.0, 4.0]], ids=str)
def test_measurements_make_a_regression(y):
    data = Data.of(X, y)
    assert data.task == "regression" and data.y.dtype == torch.float32 and data.y.shape == (4,) and data.n_classes is None


def test_several_target_columns_are_a_regression():
    data = Data.of(X, np.array([[0.5, 1], [2, 3], [4, 5.5], [6, 7]]))
    assert data.task == "regression" and data.y.shape == (4, 2)


def test_the_task_that_is_said_overrides_what_the_target_looks_like():
    assert Data.of(X, LABELS, task="regression").y.tolist() == [0.0, 1.0, 1.0, 0.0]
    data = Data.of(X, [0.5, 1.5, 1.5, 0.5], task="classification")
    assert data.class_names == ("0.5", "1.5") and data.y.tolist() == LABELS


def test_names_that_are_given_count_even_without_samples():
    data = Data.of(X, [0, 2, 2, 0], class_names=["cat", "dog", "emu"])
    assert data.n_classes == 3 and data.class_names == ("cat", "dog", "emu") and data.y.tolist() == [0, 2, 2, 0]
    assert Data.of(X, ["emu", "cat", "cat", "cat"], class_names=["cat", "dog", "emu"]).y.tolist() == [2, 0, 0, 0]


@pytest.mark.parametrize(
    ("y", "options", "seen", "repair"),
    [
        ([1, 1, 1, 1], {}, "every label is '1'", "right target column"), (["a"] * 4, {}, "'a'", "right target column"),
        ([0, 0, 0, 0], {}, "every label is class 0", "right target column"), ([2.5] * 4, {}, "every target is 2.5", "right target column"),
        ([0, 1, 1], {}, "x has 4 rows and y has 3", "dropped"), ([1.5, np.nan, 2, 3], {}, "1 of the targets are missing, the first in row 1", "Leave"),
        ([1.5, np.inf, 2, 3], {}, "inf in row 1", "logarithm"), (["a", None, "b", "b"], {}, "first in row 1", "Leave"),
        (pandas.Series([1, None, 2, 2], dtype="Int64"), {}, "first in row 1", "Leave"), (pandas.Categorical(["a", None, "b", "b"]), {}, "first in row 1", "Leave"),
        (["a", 1, "b", "b"], {}, "mix int and str", "str(v)"), ([1 + 2j, 1, 2, 3], {}, "complex", "days"),
        (np.eye(4)[[0, 1, 2, 0]], {}, "(4, 4)", "y.argmax(1)"), (np.eye(4, dtype=int)[[0, 1, 2, 0]], {}, "(4, 4)", "y.argmax(1)"),
        (np.ones((4, 2, 2)), {}, "(4, 2, 2)", "exchanged"), (3, {}, "()", "exchanged"), ([[0, 1], [1, 0], [3, 4], [5, 6]], {}, "(4, 2)", "task='regression'"),
        (ABCD, {"task": "regression"}, "words, such as 'b'", "task"), (LABELS, {"task": "regresion"}, "'regresion'", "task"),
        (["a", "b", "c", "d"], {}, "all 4 labels differ", "names the rows"), ([0.5, 1.5, 2.5, 3.5], {"task": "classification"}, "all 4 labels differ", "task='regression'"),
        ([0, 1, 5, 0], {"class_names": ["a", "b"]}, "y[2] is 5", "missing"), (["a", "b", "z", "a"], {"class_names": ["a", "b"]}, "'z'", "a, b"),
        (["1e39", 1], {}, "mix", "str(v)"), ([1e39, 2, 3, 4], {}, "float32", "logarithm"),
        (np.array(["2020-01-01"] * 4, dtype="datetime64[D]"), {}, "datetime64", "days"),
    ],
    ids=str,
)
def test_targets_that_cannot_be_learned_are_refused(y, options, seen, repair):
    error = refusal(X, y, **options)
    assert seen in error.seen and repair in error.repair


def test_many_different_whole_numbers_ask_for_the_task_instead_of_guessing():
    x, y = np.random.default_rng(0).normal(size=(200, 2)), np.arange(200) % 60
    assert "--task regression" in refusal(x, y).repair
    assert Data.of(x, y, task="regression").task == "regression" and Data.of(x, y, task="classification").n_classes == 60
    assert Data.of(np.repeat(x, 3, 0), np.repeat(y % 21, 3)).n_classes == 21


def test_pandas_rows_in_another_order_are_not_paired_by_position():
    x, y = pandas.DataFrame(X, index=list("abcd")), pandas.Series(LABELS, index=list("dcba"))
    error = refusal(x, y)
    assert error.repair.startswith("y = y.loc[x.index]") and "another's target" in error.consequence
    assert Data.of(x, y.loc[x.index]).y.tolist() == LABELS[::-1]
    assert Data.of(x.set_axis([5, 9, 2, 7]), pandas.Series(LABELS)).y.tolist() == LABELS


# -- the record -----------------------------------------------------------------------------------------------------------


def test_the_fingerprint_is_that_of_the_bytes_of_x_and_y():
    data = Data.of(X, LABELS)
    truth = hashlib.sha256(np.array(X, dtype="<f4").tobytes() + np.array(LABELS, dtype="<i8").tobytes()).hexdigest()[:16]
    assert data.fingerprint == truth
    assert Data.of(torch.tensor(X).t().contiguous().t(), LABELS).fingerprint == truth
    assert Data.of(X, LABELS[::-1][:3] + [1]).fingerprint != truth


def test_facts_of_the_record():
    data = Data.of(np.zeros((4, 3, 5, 6)), LABELS, name="blank")
    assert (data.n_samples, data.shape, data.n_features, data.name) == (4, (3, 5, 6), 90, "blank")
    assert "blank: 4 samples of shape (3, 5, 6), classification, 2 classes" in repr(data)
    with pytest.raises(AttributeError):
        data.name = "other"


@pytest.mark.parametrize(
    ("x", "y", "options"),
    [
        (torch.zeros(4, 2).double(), torch.tensor(LABELS), {"n_classes": 2}), (torch.zeros(4, 2), torch.tensor(LABELS).int(), {"n_classes": 2}),
        (torch.zeros(4, 2), torch.tensor(LABELS), {}), (torch.zeros(4, 2), torch.tensor(LABELS) + 1, {"n_classes": 2}), (X, LABELS, {"n_classes": 2}),
    ],
)
def test_the_constructor_takes_only_what_is_ready(x, y, options):
    with pytest.raises(DataError) as caught:
        Data(x, y, "classification", **options)
    assert caught.value.repair
