"""Numbers of 106 bits against mpmath, and the gradients that they record against torch's."""

from __future__ import annotations

import mpmath
import pytest
import torch
from torch import Tensor

from steepest import losses
from steepest.core import digits
from steepest.kernels.compiled import library
from steepest.kernels.pairs import Pair, lifted, slope, variable, where

BITS = 95  # relative errors are below 2**-98; lgamma's are so beside 1 or the terms of its series
NAMES = [
    "exp",
    "expm1",
    "log",
    "log1p",
    "sqrt",
    "softplus",
    "sigmoid",
    "tanh",
    "sinh",
    "cosh",
    "erf",
    "lgamma",
    "sin",
    "cos",
]
TRUE = {
    "softplus": lambda v: mpmath.log1p(mpmath.exp(v)),
    "sigmoid": lambda v: 1 / (1 + mpmath.exp(-v)),
    "lgamma": mpmath.loggamma,
}
POINTS = (-3.7, -0.9, -0.34, -1e-9, 1e-12, 0.3, 0.5, 0.999, 1.0000001, 2.5, 3.9)
FAR = (-600.0, -45.0, 6.1, 31.0, 600.0)  # below exp(-635) the second number has not all its bits
POSITIVE = ("log", "sqrt", "lgamma")


@pytest.fixture(autouse=True, scope="module")
def compiled():
    if library("pairs", "double") is None:
        pytest.skip("no C++ compiler on this machine: float64 is computed in float64")


def number(pair: Pair) -> mpmath.mpf:
    high, low = pair.halves()
    return mpmath.mpf(high.item()) + mpmath.mpf(low.item())


def pair(high: float, low: float = 0.0) -> Pair:
    return Pair(torch.tensor([high], dtype=torch.float64), torch.tensor([low], dtype=torch.float64))


@pytest.mark.parametrize("name", NAMES)
def test_functions_of_pairs_are_right_to_95_bits(name):
    far = FAR if name not in ("sin", "cos") else ()  # angles beyond 4 are those of a double
    with mpmath.workprec(400):
        for v in (*POINTS, *far):
            if (name in POSITIVE and v <= 0) or (name == "log1p" and v <= -1):
                continue
            x = pair(v, v * 1e-17)
            true = TRUE.get(name, getattr(mpmath, name, None))(number(x))
            error = abs(number(getattr(x, name)()) - true)
            size, bits = (max(1, abs(true)), 90) if name == "lgamma" else (abs(true), BITS)
            assert error <= size * mpmath.mpf(2) ** -bits, (name, v, error / abs(true))


def test_arithmetic_of_pairs_is_right_to_95_bits():
    with mpmath.workprec(400):
        for a in (1 / 3, 1e-8, -7e5, 2.5):
            for b in (3.0, -1e-3, 0.7):
                x, y = pair(a, a * 3e-17), pair(b, -b * 2e-17)
                p, q = number(x), number(y)
                for ours, true in (
                    (x + y, p + q),
                    (x - y, p - q),
                    (x * y, p * q),
                    (x / y, p / q),
                    (x.abs() ** y, abs(p) ** q),
                ):
                    assert abs(number(ours) - true) <= abs(true) * mpmath.mpf(2) ** -BITS, (a, b)
                angle = number(x.atan2(y))
                assert abs(angle - mpmath.atan2(p, q)) <= mpmath.mpf(2) ** -BITS


def test_what_overflows_is_infinite_and_what_underflows_is_zero():
    for name, v, expected in (
        ("exp", 710.0, torch.inf),
        ("exp", -746.0, 0.0),
        ("expm1", -800.0, -1.0),
        ("sigmoid", -750.0, 0.0),
    ):
        assert getattr(pair(v), name)().high.item() == expected
    assert pair(torch.nan).exp().high.isnan() and (pair(1.0) / pair(0.0)).high.item() == torch.inf


INDEX = torch.tensor([[0, 2, 2], [1, 1, 0], [2, 0, 1], [1, 2, 0]])
STRUCTURE = {
    "reshape": lambda x: x.reshape(3, 4) * x.flatten()[:4],
    "broadcast": lambda x: x * x[:, :1] + x[0] / (x[1:2].exp() + 1),
    "expand": lambda x: x[:, :1].expand(4, 3) * x,
    "gather": lambda x: x.gather(1, INDEX).square(),
    "scatter": lambda x: x.scatter(1, INDEX[:, :1], 7.0) * x,
    "where": lambda x: torch.where(x > 0, x.exp(), x.square()),
    "cat": lambda x: torch.cat([x, x.square()], 1) * 2,
    "stack": lambda x: torch.stack([x, -x], 1).sum((0, 1)),
    "max": lambda x: x.max(1).values * x.amax(0).sum(),
    "clamp": lambda x: x.clamp(-0.5, 0.5) * x.relu() + torch.minimum(x, x.mT.reshape(4, 3)),
    "cumsum": lambda x: x.cumsum(1).square(),
    "sort": lambda x: x.sort(dim=1, descending=True).values.cumsum(1) * x,
    "matmul": lambda x: x @ x.mT,
    "logsumexp": lambda x: x.logsumexp(1, keepdim=True) + x.softmax(1) * x.log_softmax(1),
    "mean": lambda x: x.mean(1) ** 3 + x.mean(),
    "diagonal": lambda x: (x @ x.mT).diagonal().abs().sqrt(),
    "powers": lambda x: (x.square() + 1) ** 0.7 * x.square().rsqrt(),
    "angles": lambda x: torch.atan2(x, 1 + x.square()) + x.sin() * x.cos() + x.tanh() * x.erf(),
}


@pytest.mark.parametrize("name", STRUCTURE)
def test_values_and_gradients_of_pairs_are_those_of_tensors(name):
    x = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    leaf = x.clone().requires_grad_()
    theirs = STRUCTURE[name](leaf)
    outer = torch.randn(theirs.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    (expected,) = torch.autograd.grad(theirs, leaf, outer)
    start = variable(x)
    ours = lifted(STRUCTURE[name](start))
    torch.testing.assert_close(ours.high, theirs.detach(), rtol=1e-13, atol=1e-14)
    torch.testing.assert_close(slope(ours, outer, start), expected, rtol=1e-12, atol=1e-13)


def test_a_difference_keeps_what_a_double_has_lost():
    x = variable(torch.tensor([1e-20], dtype=torch.float64))
    assert (x.exp() - 1).high.item() == pytest.approx(1e-20, rel=1e-10)
    assert where(x.high > 0, x, 0.0).log1p().high.item() == 1e-20


def test_a_body_that_pairs_do_not_know_is_computed_on_tensors(monkeypatch):
    x = torch.randn(5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y = torch.tensor([0, 1, 2, 3, 0])
    fine = losses.cross_entropy.items(x, y).values
    monkeypatch.setattr("steepest.kernels.pairs.MOST", 3)
    leaf = x.clone().requires_grad_()
    plain = losses.cross_entropy.items(leaf, y).values
    assert "Finer" not in type(plain.grad_fn).__name__
    torch.testing.assert_close(plain.detach(), fine, rtol=1e-14, atol=0)


def test_a_second_derivative_is_that_of_the_body():
    x = torch.randn(5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    y = torch.tensor([0, 1, 2, 3, 0])

    def second(limit: int) -> Tensor:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(digits, "FINEST", limit)
            (first,) = torch.autograd.grad(losses.focal.items(x, y).values.sum(), x, create_graph=True)
            return torch.autograd.grad(first.square().sum(), x)[0]

    torch.testing.assert_close(second(digits.FINEST), second(0), rtol=1e-12, atol=1e-14)
