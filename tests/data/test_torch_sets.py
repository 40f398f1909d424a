"""torch Datasets and DataLoaders: every sample once, in order, with the global generators left alone."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, SubsetRandomSampler, TensorDataset, WeightedRandomSampler

from steepest.core.errors import DataError, UsageError
from steepest.data import Data, load

X = torch.arange(40.0).reshape(20, 2)
Y = torch.arange(20) % 3
TENSORS = TensorDataset(X, Y)


class Pairs(Dataset):
    """A map-style data set of a user, in whatever types its samples have."""

    def __init__(self, make, n=20):
        self.make, self.n = make, n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if i >= self.n:
            raise IndexError(i)
        return self.make(i)


class Stream(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        i = 0
        while self.n is None or i < self.n:
            yield X[i % 20], int(Y[i % 20])
            i += 1


class Picture:
    """What PIL gives: an array whose channels come last."""

    def __init__(self, i):
        self.pixels = np.full((4, 5, 3), i, dtype=np.uint8)
        self.pixels[..., 2] = 255

    def getbands(self):
        return ("R", "G", "B")

    def __array__(self, dtype=None, copy=None):
        return self.pixels if dtype is None else self.pixels.astype(dtype)


def refusal(source, error=DataError, **options):
    with pytest.raises(error) as caught:
        load(source, **options)
    assert caught.value.repair and caught.value.needed
    return caught.value


def assert_is_whole(data):
    assert torch.equal(data.x, X) and torch.equal(data.y, Y) and data.n_classes == 3


@pytest.mark.parametrize(
    "source",
    [
        TENSORS, Subset(TENSORS, range(20)), Pairs(lambda i: (X[i], int(Y[i]))), Pairs(lambda i: (X[i].tolist(), Y[i])), Pairs(lambda i: [X[i].numpy(), np.int64(Y[i])]),
        Pairs(lambda i: (X[i], Y[i : i + 1])), Stream(20), DataLoader(TENSORS, batch_size=7), DataLoader(TENSORS, batch_size=7, shuffle=True),
        DataLoader(TENSORS, batch_size=7, drop_last=True), DataLoader(Pairs(lambda i: (X[i], int(Y[i]))), batch_size=6, shuffle=True),
        DataLoader(Pairs(lambda i: (X[i], int(Y[i]))), batch_size=6, num_workers=2), DataLoader(Stream(20), batch_size=6),
        DataLoader(Subset(TENSORS, range(20)), batch_size=3, collate_fn=lambda pairs: (torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs]))),
        DataLoader(TENSORS, batch_sampler=torch.utils.data.BatchSampler(range(20), 8, drop_last=False)),
    ],
    ids=lambda s: f"{type(s).__name__}-{type(getattr(s, 'dataset', s)).__name__}",
)
def test_every_sample_comes_once_and_in_order(source):
    assert_is_whole(load(source))


def test_a_loader_of_a_part_gives_that_part():
    data = load(DataLoader(TENSORS, batch_size=4, sampler=SubsetRandomSampler([3, 5, 8, 9])))
    assert sorted(data.x[:, 0].tolist()) == [6.0, 10.0, 16.0, 18.0]


def test_a_loader_that_changes_its_batches_is_read_with_the_change():
    def doubled(pairs):
        return torch.stack([2 * x for x, _ in pairs]), torch.tensor([int(y) for _, y in pairs])

    for source in (TENSORS, Pairs(lambda i: (X[i], Y[i]))):
        assert torch.equal(load(DataLoader(source, batch_size=6, shuffle=True, collate_fn=doubled)).x, 2 * X)


def test_word_labels_pictures_and_class_names_are_understood():
    data = load(Pairs(lambda i: (Picture(i), "ab"[i % 2])))
    assert data.shape == (3, 4, 5) and data.class_names == ("a", "b") and data.x[5, 0, 0, 0] == pytest.approx(5 / 255) and (data.x[:, 2] == 1).all()
    folder = Pairs(lambda i: (X[i], i % 2))
    folder.classes = ["cat", "dog", "emu"]
    assert load(folder).class_names == ("cat", "dog", "emu") and load(folder).n_classes == 3 and load(DataLoader(folder)).class_names[0] == "cat"


def test_number_targets_make_a_regression():
    assert load(TensorDataset(X, X[:, 1] / 3)).task == "regression"
    assert load(Pairs(lambda i: (X[i], X[i] / 3))).y.shape == (20, 2)


def test_random_changes_in_a_data_set_repeat_and_move_no_global_generator():
    def noisy(i):
        return X[i] + torch.rand(2) + random.random() + float(np.random.rand()), int(Y[i])

    torch.manual_seed(3)
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    assert load(Pairs(noisy)).fingerprint == load(Pairs(noisy)).fingerprint
    assert len({load(DataLoader(Pairs(noisy), batch_size=4, shuffle=True)).fingerprint for _ in range(2)}) == 1
    assert torch.equal(torch.get_rng_state(), states[0]) and random.getstate() == states[1] and (np.random.get_state()[1] == states[2]).all()


def test_reading_a_loader_moves_no_global_generator():
    before = torch.get_rng_state()
    load(DataLoader(Pairs(lambda i: (X[i], int(Y[i]))), batch_size=4, shuffle=True))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("source", [Stream(None), DataLoader(Stream(None), batch_size=6)], ids=["dataset", "loader"])
def test_a_source_without_an_end_needs_a_limit(source, monkeypatch):
    import sys

    monkeypatch.setattr(sys.modules["steepest.data.torch_sets"], "ENDLESS", 100)
    assert "limit=" in refusal(source).repair
    assert load(source, limit=20).n_samples == 20
    assert load(TENSORS, limit=5).n_samples == 20, "a data set with a length is taken whole"
    refusal(source, UsageError, limit=0)


def raises_at_7(i):
    if i == 7:
        raise OSError("broken picture 7.png")
    return X[i], 0


@pytest.mark.parametrize(
    ("source", "seen", "repair"),
    [
        (Pairs(raises_at_7), "number 7 raised OSError: broken picture 7.png", "dataset[i]"), (DataLoader(Pairs(raises_at_7), batch_size=5), "number 1 raised OSError", "loader"),
        (Pairs(lambda i: {"image": X[i], "label": 0}), "sample 0 is a dict of 2", "sample['image'], sample['label']"), (Pairs(lambda i: (X[i], 0, 1)), "sample 0 is a tuple of 3", "two things"),
        (Pairs(lambda i: X[i]), "sample 0 is a Tensor", "two things"), (Pairs(lambda i: (X[i, : 1 + i % 2], 0)), "sample 0 has shape (1,) and sample 1 (2,)", "Resize"),
        (Pairs(lambda i: ("text", 0)), "features of sample 0 are a str", "encode"), (Pairs(lambda i: (X[i], 0), n=0), "no samples", "filter"),
        (Pairs(lambda i: (X[i], 1)), "every label", "target column"), (TensorDataset(X), "sample 0 is a tuple of 1", "two things"), (Dataset(), "no length", "__len__"),
        (DataLoader(TENSORS, sampler=WeightedRandomSampler([1.0] * 20, 20)), "with replacement", "loader.dataset"),
        (DataLoader(TENSORS, sampler=torch.utils.data.RandomSampler(TENSORS, replacement=True)), "with replacement", "loader.dataset"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_source_that_cannot_be_used_is_refused(source, seen, repair):
    error = refusal(source)
    assert seen in error.seen and repair in error.repair


def test_the_cause_of_a_failing_sample_is_chained():
    assert isinstance(refusal(Pairs(raises_at_7)).__cause__, OSError)


def test_data_pass_through_and_a_task_remakes_them():
    data = Data.of(X, Y)
    assert load(data) is data and load(data, task="classification") is data
    assert load(data, task="regression").y.dtype == torch.float32
