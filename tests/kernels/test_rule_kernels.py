"""A rule's own kernel gives what the rule's body gives, and leaves alone what it cannot take."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import steepest.optim.work
from steepest import optim
from steepest.kernels.compiled import compiled_text
from steepest.kernels.rules import adafactor

SHAPES = ((70, 31), (5,), (3, 2049), (4, 3, 5, 5), (), (1, 7), (900, 3))
SETTINGS = {
    "defaults": {},
    "decay, upward": {"weight_decay": 0.1, "maximize": True, "lr": 0.1},
    "bounds": {"eps": (1e-3, 1e-2), "d": 1.5, "beta2_decay": -0.5},
}


@pytest.fixture(autouse=True, scope="module")
def compiler():
    if compiled_text("nothing", "", ()) is None:
        pytest.skip("no C++ compiler on this machine: the body runs")


@pytest.fixture
def moved(monkeypatch) -> list[int]:
    """How many tensors each call moved."""
    found: list[int] = []
    run = adafactor._run

    def counted(function, arrays, n, total) -> None:
        found.append(n)
        run(function, arrays, n, total)

    monkeypatch.setattr(adafactor, "_run", counted)
    return found


def parameters(dtype: torch.dtype, scale: float = 1.0) -> list[Tensor]:
    draw = torch.Generator().manual_seed(0)
    found = [torch.randn(shape, generator=draw, dtype=torch.float64) * scale for shape in SHAPES]
    return [param.to(dtype).requires_grad_() for param in found]


def train(cls, params: list[Tensor], scale: float = 1.0, n_steps: int = 10, **options) -> list[Tensor]:
    """The parameters, and the states, after some steps along the same gradients."""
    draw = torch.Generator().manual_seed(1)
    optimizer = cls(params, **options)
    for _ in range(n_steps):
        for param in params:
            param.grad = (torch.randn(param.shape, generator=draw, dtype=torch.float64) * scale).to(param.dtype)
        optimizer.step()
    states = [value for param in params for name, value in optimizer.state[param].items() if name != "step"]
    return [*params, *states]


def far(found: list[Tensor], expected: list[Tensor]) -> float:
    """The largest distance, in units of the last place of the largest number of each tensor."""
    pairs, eps = zip(found, expected, strict=True), torch.finfo(found[0].dtype).eps
    return max(((a - b).abs().max() / b.abs().max().clamp(min=1e-30) / eps).item() for a, b in pairs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("settings", SETTINGS)
def test_adafactor_goes_where_torchs_goes(settings, dtype, moved):
    options = SETTINGS[settings]
    ours = train(optim.Adafactor, parameters(dtype), **options)
    assert moved == [len(SHAPES)] * 10
    theirs = train(torch.optim.Adafactor, parameters(dtype), **options)
    assert far(ours[: len(SHAPES)], theirs[: len(SHAPES)]) < 32
    body = train(optim.Adafactor, parameters(dtype), foreach=False, **options)
    assert len(moved) == 10
    assert far(ours, body) < 32


@pytest.mark.parametrize("scale", [0.0, 1e-12, 1e12])
def test_adafactor_of_tiny_and_huge_gradients_goes_where_its_body_goes(scale, moved):
    ours = train(optim.Adafactor, parameters(torch.float32), scale)
    body = train(optim.Adafactor, parameters(torch.float32), scale, foreach=False)
    assert len(moved) == 10
    assert far(ours, body) < 32


def test_adafactor_leaves_what_is_not_a_number_to_that_tensor(moved):
    params = parameters(torch.float32)
    optimizer = optim.Adafactor(params)
    for param in params:
        param.grad = torch.ones_like(param)
    params[0].grad[3, 4] = torch.nan
    optimizer.step()
    assert moved
    assert params[0].isnan().all()
    assert all(param.isfinite().all() for param in params[1:])


def test_adafactor_leaves_turned_and_half_tensors_to_the_body(moved):
    def mixed() -> list[Tensor]:
        plain, turned, half, double = (torch.linspace(-1, 1, 4200).view(70, 60).clone() for _ in range(4))
        found = [plain, turned.T, half.bfloat16(), double.double()]
        return [param.detach().requires_grad_() for param in found]

    ours = train(optim.Adafactor, mixed())
    assert set(moved) == {1}
    body = train(optim.Adafactor, mixed(), foreach=False)
    for found, expected in zip(ours, body, strict=True):
        torch.testing.assert_close(found, expected)


def test_threads_move_adafactors_tensors_alike(monkeypatch, moved):
    monkeypatch.setattr(adafactor, "PER_TASK", 1000)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(train(optim.Adafactor, parameters(torch.float32)))
    finally:
        torch.set_num_threads(before)
    assert moved
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_without_a_kernel_the_body_moves_all(monkeypatch, moved):
    expected = train(optim.Adafactor, parameters(torch.float64))
    moved.clear()
    monkeypatch.setattr(steepest.optim.work, "whole_steps", lambda module: None)
    assert far(train(optim.Adafactor, parameters(torch.float64)), expected) < 32
    assert not moved


def test_a_rule_without_a_kernel_of_its_own_has_none():
    assert steepest.optim.work.whole_steps("steepest.optim.rules.adafactor") is adafactor.step
    assert steepest.optim.work.whole_steps("steepest.optim.rules.muon") is None
    assert steepest.optim.work.whole_steps("elsewhere.optim.rules.adafactor") is None
