"""Dictionaries of tensors with a leading trial axis: stacked, taken, laid out in one row."""

from __future__ import annotations

import torch

from steepest.core import trees
from steepest.core.trees import Layout


def models(n: int = 3):
    torch.manual_seed(0)
    return [{"weight": torch.randn(2, 3), "bias": torch.randn(3), "scale": torch.randn(())} for _ in range(n)]


def test_a_stack_is_undone_by_its_rows():
    each = models()
    stacked = trees.stack(each)
    assert {k: tuple(v.shape) for k, v in stacked.items()} == {"weight": (3, 2, 3), "bias": (3, 3), "scale": (3,)}
    for k, tree in enumerate(each):
        for name, value in trees.row(stacked, k).items():
            assert torch.equal(value, tree[name])


def test_rows_are_views_and_taken_trials_are_copies():
    stacked = trees.stack(models())
    trees.row(stacked, 1)["bias"].zero_()
    assert not stacked["bias"][1].any()
    for trials in ([2, 0], torch.tensor([2, 0])):
        some = trees.take(stacked, trials)
        assert torch.equal(some["weight"], stacked["weight"][[2, 0]])
        some["weight"].zero_()
        assert stacked["weight"].any()
    assert trees.take(stacked, [])["weight"].shape == (0, 2, 3)


def test_bytes_are_counted():
    assert trees.count_bytes({"a": torch.zeros(2, 3), "b": torch.zeros(4, dtype=torch.float64)}) == 24 + 32
    assert trees.count_bytes({}) == 0


def test_a_layout_lays_all_tensors_into_one_row():
    tree = models(1)[0]
    layout = Layout.of(tree)
    assert layout.width == 6 + 3 + 1
    flat = torch.arange(20.0).reshape(2, 10)
    views = layout.views(flat)
    assert {k: tuple(v.shape) for k, v in views.items()} == {"weight": (2, 2, 3), "bias": (2, 3), "scale": (2,)}
    assert torch.equal(torch.cat([v.reshape(2, -1) for v in views.values()], 1), flat)
    views["bias"].zero_()
    assert not flat[:, 6:9].any() and flat[:, 9].tolist() == [9.0, 19.0]
