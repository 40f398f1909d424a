"""Targets beyond one class or one number per sample: several labels, a class at each place, numbers at each place."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from steepest.core.errors import DataError
from steepest.data import Data, load

G = torch.Generator().manual_seed(0)
LABELS = torch.tensor([[1, 0, 1], [0, 1, 1], [0, 0, 0], [1, 0, 0]])
IMAGES = torch.rand(4, 1, 5, 5, generator=G)
MASKS = torch.randint(0, 3, (4, 5, 5), generator=G)
TABLE = torch.rand(4, 6, generator=G)


@pytest.mark.parametrize("y", [LABELS, LABELS.bool(), LABELS.float(), LABELS.numpy(), LABELS.tolist()], ids=str)
def test_rows_of_zeros_and_ones_are_several_labels(y):
    data = Data.of(TABLE, y)
    assert data.task == "multilabel" and data.n_classes is None and data.strata is None
    assert torch.equal(data.y, LABELS.float())


def test_one_hot_rows_stay_refused_unless_they_are_said_to_be_labels():
    with pytest.raises(DataError, match="argmax"):
        Data.of(TABLE, torch.eye(4))
    assert Data.of(TABLE, torch.eye(4), task="multilabel").task == "multilabel"


def test_whole_numbers_for_each_pixel_are_classes_of_pixels():
    data = Data.of(IMAGES, MASKS)
    assert (data.task, data.n_classes, data.has_places, data.strata) == ("classification", 3, True, None)
    assert data.y.dtype == torch.int64 and data.y.shape == (4, 5, 5)
    assert Data.of(IMAGES, MASKS > 0).n_classes == 2
    assert Data.of(IMAGES, MASKS.float()).task == "regression"


def test_sources_of_torch_lead_to_the_same_data():
    pairs = TensorDataset(IMAGES, MASKS)
    for source in ((IMAGES, MASKS), pairs, DataLoader(pairs, batch_size=3), (IMAGES.numpy(), MASKS.numpy())):
        data = load(source)
        assert data.fingerprint == Data.of(IMAGES, MASKS).fingerprint and data.has_places


def test_a_class_for_each_step_of_a_series_needs_no_word_and_one_for_each_token_does():
    series, steps = torch.rand(4, 7, 2, generator=G), torch.randint(0, 3, (4, 7), generator=G)
    assert load((series, steps)).has_places
    tokens = torch.randint(0, 9, (4, 7), generator=G)
    with pytest.raises(DataError, match="task='classification' for a class at each place"):
        load((tokens, steps))
    assert load((tokens, steps), task="classification").has_places


def test_places_without_a_class_are_left_out_by_the_label_that_torch_uses():
    void = MASKS.clone()
    void[0, 0] = -100
    assert Data.of(IMAGES, void).n_classes == 3
    void[0, 0] = -1
    with pytest.raises(DataError, match=r"y\[y == -1\] = -100"):
        Data.of(IMAGES, void)


@pytest.mark.parametrize(
    ("x", "y", "options", "words"),
    [
        (TABLE, LABELS * 2, {"task": "multilabel"}, "y holds 2"),
        (TABLE, torch.tensor([[1, 0]] * 4), {"task": "multilabel"}, "same labels"),
        (TABLE, LABELS, {"class_names": ["a", "b"]}, "2 names for 3 labels"),
        (IMAGES, torch.zeros(4, 5, 5, dtype=torch.long), {}, "every label is class 0"),
        (IMAGES, MASKS + 250, {"class_names": ["a", "b", "c"]}, "252 and there are 3 class names"),
        (IMAGES, MASKS + 0.5, {"task": "classification"}, "a whole number per place"),
    ],
)
def test_what_fits_no_kind_is_refused(x, y, options, words):
    with pytest.raises(DataError, match=words) as refused:
        Data.of(x, y, **options)
    assert refused.value.repair


def test_numbers_at_each_place_are_a_regression():
    data = Data.of(IMAGES, IMAGES[:, 0] * 2)
    assert data.task == "regression" and data.y.shape == (4, 5, 5)
    assert Data.of(TABLE, np.ones((4, 2)) * [[1, 2], [3, 4], [5, 6], [7, 8]]).task == "regression"
