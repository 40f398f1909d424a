"""Transforms take the parameters part by part, so that copies of a few are kept at a time; the numbers are the same."""

from __future__ import annotations

import pytest
import torch

from steepest import optim
from steepest.optim import around, bundles, chain, transforms
from steepest.optim.chain import Chain, Leaf

SHAPES = ((40, 30), (30,), (20, 40), (), (7, 5))


@pytest.fixture(autouse=True)
def one_by_one(monkeypatch) -> None:
    """Small parameters are not taken together (tests/optim/test_bundles.py)."""
    monkeypatch.setattr(bundles, "SMALL_BYTES", -1)


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
    large = [1, 1] if "cautious" in transforms and rule in ("adamw", "sgd") else [1]  # on a copy, to count, before
    assert parts == ([5] * 5 if rule == "prodigy" else [*large, 4] * 5)
    assert all(torch.equal(a, b) for a, b in zip(whole, pieces, strict=True))


EACH = [t.name for t in transforms]
LONG = ["accumulate(2) + l1(0.1)", "clip_norm(0.5) + ema(0.9) + lookahead(2)", "nesterov + cautious_decay(0.1)"]
LONG += ["mars_correction + cautious", "accumulate(2) + mars_correction + nesterov + cautious"]


def cut_at(limit: int, monkeypatch) -> None:
    for module in (around, chain):
        monkeypatch.setattr(module, "PART_BYTES", limit)
    monkeypatch.setattr(Leaf.parts, "__defaults__", (False, limit))


@pytest.fixture
def pieces(monkeypatch) -> list[int]:
    """The numbers of each leaf that begins, where a tensor larger than 2,000 bytes is cut."""
    found: list[int] = []
    begin = Chain.begin
    cut_at(2000, monkeypatch)
    monkeypatch.setattr(
        Chain,
        "begin",
        lambda self, leaves, *more: found.extend(leaf.param.numel() for leaf in leaves) or begin(self, leaves, *more),
    )
    return found


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("transform", [*EACH, *LONG])
def test_a_large_tensor_in_pieces_ends_where_the_whole_one_does(transform, maximize, pieces, monkeypatch):
    rule = "nadam" if not any(t.decays and t.name in transform for t in transforms) else "sgd"
    options = {"maximize": maximize, "foreach": False}  # nadam keeps a scalar state, too
    cut = train(rule, transform, **options)
    assert max(pieces) <= 500
    cut_at(2**23, monkeypatch)
    pieces.clear()
    whole = train(rule, transform, **options)
    assert max(pieces) == 1200
    for a, b in zip(cut, whole, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-7)  # lengths are summed in another order


def test_complex_numbers_in_pieces_end_where_the_whole_tensor_does(pieces, monkeypatch):
    ends = []
    for limit in (2000, 2**23):
        cut_at(limit, monkeypatch)
        draw = torch.Generator().manual_seed(0)
        param = torch.nn.Parameter(torch.randn(40, 30, generator=draw, dtype=torch.complex128))
        optimizer = optim.AdamW([param], transforms="clip_norm(0.5) + ema(0.9)")
        for _ in range(3):
            param.grad = torch.randn(40, 30, generator=draw, dtype=torch.complex128)
            optimizer.step()
        ends.append(param.detach())
    torch.testing.assert_close(*ends, rtol=1e-12, atol=0)
    assert min(pieces) < 2000


def test_a_length_that_is_asked_for_after_another_transform_keeps_all_together(parts, monkeypatch):
    monkeypatch.setattr(around, "PART_BYTES", 4000)
    train("sgd", "clip_value(0.1) + clip_norm(0.5)")
    assert parts == [5] * 5
