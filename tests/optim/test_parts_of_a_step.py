"""Transforms take the parameters part by part, so that copies of a few are kept at a time; the numbers are the same."""

from __future__ import annotations

import pytest
import torch

from steepest import optim
from steepest.optim import around
from steepest.optim.chain import Chain

SHAPES = ((40, 30), (30,), (20, 40), (), (7, 5))


def train(rule: str, transforms: str, **options) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    params = [torch.nn.Parameter(torch.randn(shape, generator=draw)) for shape in SHAPES]
    groups = [{"params": params[:2], "lr": 0.02}, {"params": params[2:]}]
    optimizer = getattr(optim, optim[rule].class_name)(groups, lr=0.01, transforms=transforms, **options)
    for _ in range(5):
        for param in params:
            param.grad = torch.randn(param.shape, generator=draw)
        optimizer.step(lambda: None)
    return [*params, *(value for param in params for value in optimizer.state[param].values() if hasattr(value, "dim"))]


@pytest.fixture
def parts(monkeypatch) -> list[int]:
    """How many parameters begin together."""
    found: list[int] = []
    begin = Chain.begin
    monkeypatch.setattr(
        Chain, "begin", lambda self, leaves, *more: found.append(len(leaves)) or begin(self, leaves, *more)
    )
    return found


@pytest.mark.parametrize("rule", ["adamw", "sgd", "lamb", "muon", "prodigy"])
@pytest.mark.parametrize("transforms", ["clip_norm(0.5) + cautious", "centralise + ema(0.9)", "accumulate(2)"])
@pytest.mark.parametrize("maximize", [False, True])
def test_parts_of_a_step_have_the_bits_of_all_at_once(rule, transforms, maximize, parts, monkeypatch):
    whole = train(rule, transforms, maximize=maximize)
    assert parts == [5] * 5
    monkeypatch.setattr(around, "PART_BYTES", 4000)
    parts.clear()
    pieces = train(rule, transforms, maximize=maximize)
    assert parts == ([5] * 5 if rule == "prodigy" else [1, 4] * 5)
    assert all(torch.equal(a, b) for a, b in zip(whole, pieces, strict=True))


def test_a_length_that_is_asked_for_after_another_transform_keeps_all_together(parts, monkeypatch):
    monkeypatch.setattr(around, "PART_BYTES", 4000)
    train("sgd", "clip_value(0.1) + clip_norm(0.5)")
    assert parts == [5] * 5
