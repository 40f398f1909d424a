"""Losses that are declared by a plain function: the same function on numbers of 110 digits, and its slope."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterator
from typing import Any

import mpmath
import pytest
import torch
from loss_cases import LOSSES, batch, defaults, parametrize, value_and_gradient
from test_loss_formula import MOST_ULPS, needs_pairs, off_by

from steepest.core.domains import Interval, PerClass

DIGITS = 110
STEP = (
    mpmath.mpf(10) ** -25
)  # of a central difference: what it leaves out is STEP**2 of the slope, what it rounds 1e-85


class Fine:
    """What plain functions take from `math`, on numbers of 110 digits."""

    lgamma, inf = mpmath.loggamma, mpmath.inf

    @staticmethod
    def hypot(*parts: Any) -> Any:
        return mpmath.sqrt(sum(part**2 for part in parts))

    @staticmethod
    def dist(a: Any, b: Any) -> Any:
        return mpmath.sqrt(sum((s - t) ** 2 for s, t in zip(a, b)))

    @staticmethod
    def prod(parts: Any) -> Any:
        return mpmath.fprod(parts)

    def __getattr__(self, name: str) -> Any:
        return getattr(mpmath, name)


@contextlib.contextmanager
def fine_numbers() -> Iterator[None]:
    """Inside, the package's plain functions compute with 110 digits; no tensor is computed meanwhile."""
    modules = [m for name, m in sys.modules.items() if name.startswith("steepest.") and vars(m).get("math") is math]
    fine: Any = Fine()
    for module in modules:
        vars(module)["math"] = fine
    try:
        with mpmath.workdps(DIGITS):
            yield
    finally:
        for module in modules:
            vars(module)["math"] = math


def fine(number: Any) -> Any:
    if isinstance(number, (list, tuple)):
        return [fine(n) for n in number]
    return mpmath.mpf(number) if isinstance(number, float) else number


def flat(values: Any) -> list[Any]:
    return [leaf for value in values for leaf in flat(value)] if isinstance(values, (list, tuple)) else [values]


def plain_hyper(loss: Any) -> dict[str, Any]:
    """The defaults; those that may be any number of an interval with 110 digits, flags and counts as they are."""
    found = {}
    for name, value in defaults(loss).items():
        is_number = isinstance(loss.hyper[name].domain, (Interval, PerClass))
        found[name] = fine(float(value) if is_number and isinstance(value, int) else value) if is_number else value
    return found


def exact(loss: Any, x: torch.Tensor, y: torch.Tensor | None) -> tuple[list[Any], list[Any]]:
    """Values, and slopes of their sum by each entry of x."""
    target = None if y is None else fine(y.tolist())
    hyper = plain_hyper(loss)

    def values(entries: list[Any]) -> list[Any]:
        held = {"still": shaped([mpmath.mpf(v) for v in x.flatten().tolist()], x.shape)} if loss.holds else {}
        return flat(loss.slow(shaped(entries, x.shape), target, **hyper, **held))

    with fine_numbers():
        at = [mpmath.mpf(v) for v in x.flatten().tolist()]
        slopes = []
        for k in range(len(at)):
            step = STEP * max(1, abs(at[k]))
            above, below = (mpmath.fsum(values([*at[:k], at[k] + s, *at[k + 1 :]])) for s in (step, -step))
            slopes.append((above - below) / (2 * step))
        return values(at), slopes


def shaped(entries: list[Any], shape: torch.Size) -> Any:
    if len(shape) == 1:
        return list(entries)
    size = len(entries) // shape[0]
    return [shaped(entries[k * size : (k + 1) * size], shape[1:]) for k in range(shape[0])]


@parametrize([item for item in LOSSES if item.slow])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_value_and_gradient_are_those_of_the_plain_form_in_50_digits(loss, dtype):
    needs_pairs(loss, dtype)
    n = 1 if loss.target.name in ("sequence", "regions") else 3  # items of dozens of entries, each with a slope
    for seed in range(2):
        x, y = batch(loss, n, dtype=dtype, seed=seed)
        values, slopes = exact(loss, x, y)
        ours = loss(x, y, reduction="none")
        gradient = value_and_gradient(loss, x, y, reduction="sum")[1]
        for what, found, true in (("value", ours, values), ("slope", gradient, slopes)):
            for k, (a, b) in enumerate(zip(found.flatten().tolist(), true)):
                b = 0 if abs(b) < 1e-60 else b  # less than a difference can tell from 0
                assert off_by(a, b, dtype) <= MOST_ULPS, f"{what} {k} of {loss.name}: {a!r}, not {mpmath.nstr(b, 20)}"
