"""Value and gradient of every loss against its declared formula in 50 digits, at points chosen to hurt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mpmath
import pytest
import torch
from loss_cases import (
    LOSSES,
    as_input,
    batch,
    defaults,
    each_loss,
    each_loss_of_separate_items,
    hyper_sets,
    parametrize,
    sized,
    value_and_gradient,
)

from steepest.core import digits
from steepest.core.domains import PerClass
from steepest.core.formula import Formula
from steepest.core.loss import Loss
from steepest.core.streams import generator
from steepest.kernels.compiled import library

MOST_ULPS = 2
"""The bar: units in the last place, of values and of gradients."""

HALVES = [torch.float16, torch.bfloat16]
EXTREMES = (-1e4, -88.3, -20.7, -1.0, -1e-3, 0.0, 1e-8, 0.5, 1.0, 17.3, 50.0, 88.7, 1e4)
MEASUREMENTS = (0.0, 1.0, 0.25, -3.3, 1e4)
ODDS = (0.0, 1.0, 0.25)
PROBABILITIES = (0.0, 1e-30, 1e-8, 1e-3, 0.25, 0.5, 0.75, 1 - 2**-9, 1 - 2**-20, 1.0)
ROWS = (
    (0.0, 0.0, 0.0),  # all tie
    (1.0, -1.0, 0.5),
    (1e-8, 0.0, 0.0),  # a tie but for rounding
    (20.0, 0.0, -20.0),  # 1 - p is 2e-9
    (13.3, -7.1, -3.9),  # the same, and no difference of logits is a float
    (40.0, 0.0, 0.0),
    (88.0, 0.0, 1.0),  # p of the losers is near the smallest float32
    (1e4, 9999.0, -1e4),
    (-1e4, -1e4, -9999.5),
)
PARAMETERS = ((0.25, 0.0), (-3.3, 3.5), (1e-3, -20.7), (1e4, 1.0))  # the second is the logarithm of a scale
FEW = ("same", "amounts", "binary", "multilabel", "classes", "distribution")  # kinds whose items are a number or a row beside another
CERTAIN = (1e4, -1e4, 0.0)  # p of the losers is below any float; 13,029 digits for the formula of focal
SHARES = ((1.0, 0.0, 0.0), (0.5, 0.25, 0.25), (0.0, 0.5, 0.5))

each_loss_with_formula = parametrize([item for item in LOSSES if item.formula])


def points(loss: Loss, dtype: torch.dtype, rows: tuple[Any, ...] = ROWS) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    if loss.target.name == "parameters":
        for row in PARAMETERS:
            for y in (0.0, -3.2, 1e4):
                yield torch.tensor([row], dtype=dtype), torch.tensor([y], dtype=dtype)
        return
    """Batches of one item."""
    if not loss.target.has_class_axis:
        for x in PROBABILITIES if loss.expects == "probs" else EXTREMES:
            for y in ODDS if loss.target.name == "binary" else MEASUREMENTS:
                if loss.target.name == "amounts" and y < 0:
                    continue
                yield torch.tensor([x], dtype=dtype), torch.tensor([y], dtype=dtype)
        return
    for row in rows:
        x = as_input(loss, torch.tensor([row], dtype=dtype))
        for c, share in enumerate(SHARES):
            yield x, torch.tensor([c]) if loss.target.name == "classes" else torch.tensor([share], dtype=dtype)


def hostile(loss: Loss, dtype: torch.dtype) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Whole batches with extreme numbers in all places, in some places, and all alike."""
    draw = generator("hostile", loss.name)
    x, y = batch(loss, 8, (), dtype)
    extreme = torch.tensor(EXTREMES, dtype=dtype)
    wild = extreme[torch.randint(len(EXTREMES), x.shape, generator=draw)]
    for entries in (wild, torch.where(torch.rand(x.shape, generator=draw) < 0.3, wild, x), *(x * 0 + v for v in EXTREMES)):
        yield as_input(loss, entries), y


def plain(values: torch.Tensor) -> Any:
    return values[0].tolist()


def ulp(value: Any, dtype: torch.dtype) -> Any:
    """One unit in the last place of a number of this dtype; below the smallest normal number, that number's."""
    info = torch.finfo(dtype)
    size = max(abs(mpmath.mpf(value)), mpmath.mpf(info.tiny))
    return mpmath.ldexp(1, int(mpmath.floor(mpmath.log(size, 2)))) * info.eps


def nudges(loss: Loss, x: Any, y: Any, dtype: torch.dtype) -> Iterator[tuple[Any, Any]]:
    """The point with one rounding in it: of a difference of inputs (of the input, for single logits), of a soft target.

    No body in the input's own precision can be nearer than what such a rounding changes: for d = 20.4 +- ulp / 2, exp(d) has an
    error of 8 units already, and sigmoid(x) - y has lost what they have in common.
    """
    if loss.target.name == "parameters":
        yield from ((x[:k] + [v + float(ulp(v, dtype))] + x[k + 1 :], y) for k, v in enumerate(x))
        yield [x[0] + float(ulp(x[0] - y, dtype)), *x[1:]], y
        return
    if isinstance(x, list):
        has_logs = any(isinstance(h.domain, PerClass) for h in loss.hyper.values())  # of counts or shares, beside the scores
        spread = max(max(x) - min(x), 8.0 * has_logs)
        step = (1 + has_logs) * float(ulp(spread, dtype)) if spread else 0.0
        yield from (([v + step * (i == k) for i, v in enumerate(x)], y) for k in range(len(x)))
        if isinstance(y, list):
            rounded_ones = [k for k, v in enumerate(y) if loss.target.name != "multilabel" or 0 < v < 1]
            yield from ((x, [v + float(ulp(v, dtype)) * (i == k) for i, v in enumerate(y)]) for k in rounded_ones)
        return
    if loss.target.name == "binary":
        yield x + float(ulp(x, dtype)), y
        if 0 < y < 1:  # 0 and 1 are not rounded
            yield x, y + float(ulp(y, dtype))
    elif x != y:
        yield x + float(ulp(x - y, dtype)), y


def rounded(number: Any, dtype: torch.dtype) -> Any:
    """1.2 is no float32. A whole number stays one."""
    if isinstance(number, list):
        return [rounded(n, dtype) for n in number]
    return torch.tensor(number, dtype=dtype).item() if isinstance(number, float) else number


def off_by(ours: float, true: Any, dtype: torch.dtype) -> Any:
    """How many units in the last place of the true number."""
    return abs(mpmath.mpf(ours) - true) / ulp(true, dtype)


def check_point(
    loss: Loss, formula: Formula, x: torch.Tensor, y: torch.Tensor, hyper: dict[str, Any], is_wide: bool = True
) -> None:
    dtype = x.dtype
    hyper = {name: rounded(number, dtype) for name, number in sized(loss, hyper, x.shape[-1]).items()}
    value, gradient = value_and_gradient(loss, x, y, **hyper)
    exact = formula.value(plain(x), plain(y), **hyper)
    slopes = formula.gradient(plain(x), plain(y), **hyper)
    room, slope_room = (0.0, [0.0] * len(slopes)) if is_wide else one_rounding(loss, formula, x, y, hyper, exact, slopes)
    where = f"{loss.name}({plain(x)}, {plain(y)}, {hyper}) in {dtype}"
    found = [value.item(), *gradient.flatten().tolist()]
    for what, ours, true, more in zip(("value", *["slope"] * len(slopes)), found, [exact, *slopes], [room, *slope_room]):
        off = off_by(ours, true, dtype)
        allowed = MOST_ULPS if is_wide else 4 + more
        assert off <= allowed, f"{where}: {what} {ours!r}, not {mpmath.nstr(true, 20)}: {mpmath.nstr(off, 3)} ulp off"


def one_rounding(
    loss: Loss, formula: Formula, x: torch.Tensor, y: torch.Tensor, hyper: dict[str, Any], exact: Any, slopes: list[Any]
) -> tuple[Any, list[Any]]:
    """By how many units the value and the slopes change with one rounding of the point (nudges)."""
    dtype = x.dtype
    room, slope_room = mpmath.mpf(0), [mpmath.mpf(0)] * len(slopes)
    least = torch.finfo(dtype).tiny * torch.finfo(dtype).eps
    wide_value, wide_slopes = abs(exact) > least, any(abs(g) > least for g in slopes)
    for near_x, near_y in nudges(loss, plain(x), plain(y), dtype):
        if wide_value:
            room += abs(formula.value(near_x, near_y, **hyper) - exact) / ulp(exact, dtype)
        if wide_slopes:
            near = formula.gradient(near_x, near_y, **hyper)
            slope_room = [r + abs(a - b) / ulp(b, dtype) for r, a, b in zip(slope_room, near, slopes)]
    return room, slope_room


def needs_pairs(loss: Loss, dtype: torch.dtype) -> None:
    if dtype == torch.float64 and not loss.few_roundings and library("pairs", "double") is None:
        pytest.skip("no C++ compiler on this machine: float64 is computed in float64")


@each_loss
def test_each_loss_declares_its_mathematics(loss):
    assert bool(loss.formula) != bool(loss.slow)
    assert loss.use.endswith(".") and loss.source and loss.purpose.endswith(".") and loss.claims


@each_loss_with_formula
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_value_and_gradient_are_those_of_the_formula(loss, dtype):
    needs_pairs(loss, dtype)
    formula = Formula.of(loss)
    for x, y in points(loss, dtype):
        check_point(loss, formula, x, y, defaults(loss))


@each_loss_with_formula
def test_more_entries_than_are_widened_lose_what_one_rounding_changes(loss, monkeypatch):
    monkeypatch.setattr(digits, "MOST", 0)
    formula = Formula.of(loss)
    for x, y in list(points(loss, torch.float32))[::3]:
        check_point(loss, formula, x, y, defaults(loss), is_wide=False)


@each_loss_with_formula
def test_so_they_are_for_every_hyperparameter(loss):
    formula = Formula.of(loss)
    for hyper in hyper_sets(loss)[1:]:
        for x, y in list(points(loss, torch.float32, ROWS[1:5]))[::2]:
            check_point(loss, formula, x, y, hyper)


@parametrize([item for item in LOSSES if item.formula and item.target.name in FEW])
def test_so_they_are_where_a_prediction_is_certain(loss):
    needs_pairs(loss, torch.float64)
    for x, y in points(loss, torch.float64, (CERTAIN,)):
        check_point(loss, Formula.of(loss), x, y, defaults(loss))


@parametrize([item for item in LOSSES if item.formula and item.target.name == "classes"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_soft_labels_cost_the_expectation_of_the_formula(loss, dtype):
    needs_pairs(loss, dtype)
    formula = Formula.of(loss)
    hyper = {name: rounded(number, dtype) for name, number in sized(loss, defaults(loss), 3).items()}
    for row in ROWS[1:5]:
        x = as_input(loss, torch.tensor([row], dtype=dtype))
        each = [(formula.value(plain(x), c, **hyper), formula.gradient(plain(x), c, **hyper)) for c in range(3)]
        labels = [(torch.tensor([shares], dtype=dtype), shares, {}) for shares in SHARES[1:]]
        smooth = mpmath.mpf(0.1) / 3
        if dtype == torch.float32:  # in float64 one third is rounded already
            labels.append((torch.tensor([0]), (1 - mpmath.mpf(0.1) + smooth, smooth, smooth), {"label_smoothing": 0.1}))
        for y, shares, options in labels:
            value, gradient = value_and_gradient(loss, x, y, **hyper, **options)
            with mpmath.workdps(50):
                true = [sum(q * v for q, (v, _) in zip(shares, each))]
                true += [sum(q * slopes[k] for q, (_, slopes) in zip(shares, each)) for k in range(3)]
            for k, (a, b) in enumerate(zip([value.item(), *gradient.flatten().tolist()], true)):
                off = off_by(a, b, dtype)
                assert off <= MOST_ULPS, f"{loss.name}({row}, {shares})[{k}]: {a!r}, not {mpmath.nstr(b, 20)}: {off} ulp off"


# -- halves ------------------------------------------------------------------------------------------------------------------


@each_loss
@pytest.mark.parametrize("dtype", [*HALVES, torch.float32], ids=str)
def test_finite_inputs_give_finite_values_and_gradients(loss, dtype):
    for hyper in hyper_sets(loss):
        hyper = sized(loss, hyper, len(CERTAIN))
        is_plain = loss.target.name in FEW
        for x, y in points(loss, dtype, (*ROWS, CERTAIN)) if is_plain else hostile(loss, dtype):
            value, gradient = value_and_gradient(loss, x, y, **hyper)
            if dtype in HALVES:  # a slope may be finite and yet be no number of this dtype: exp(20) in float16
                whole_y = y.float() if y is not None and y.is_floating_point() else y
                own, gradient = gradient, value_and_gradient(loss, x.float(), whole_y, **hyper)[1]
                assert own[gradient.abs() <= torch.finfo(dtype).max].isfinite().all(), (x, y, hyper)
            assert value.isfinite() and gradient.isfinite().all(), (x, y, hyper)


@each_loss
@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("reduction", ["mean", "none", "sum"])
def test_halves_are_computed_and_returned_in_float32(loss, dtype, reduction):
    x, y = batch(loss, 6, (2,), dtype)
    weight = torch.rand(6, dtype=dtype)
    half, half_gradient = value_and_gradient(loss, x, y, weight=weight, reduction=reduction)
    whole_y = y.float() if y is not None and y.is_floating_point() else y
    whole, whole_gradient = value_and_gradient(loss, x.float(), whole_y, weight=weight.float(), reduction=reduction)
    assert half.dtype == torch.float32 and torch.equal(half, whole)
    assert half_gradient.dtype == dtype and torch.equal(half_gradient, whole_gradient.to(dtype))
    for part in loss.parts(x, y, weight=weight):
        assert part.dtype == torch.float32


@each_loss_of_separate_items
@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_a_mean_over_many_halves_does_not_overflow(loss, dtype):
    x, y = batch(loss, 40_000, (), dtype)  # torch's weighted float16 mean of 1e5 squares is NaN
    value = loss(x, y, weight=torch.ones(40_000, dtype=dtype))
    wide = loss(x.double(), y.double() if y.is_floating_point() else y)
    torch.testing.assert_close(value.double(), wide, rtol=1e-5, atol=1e-6)  # 40,000 float32 roundings


@each_loss
@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_autocast_changes_nothing(loss, dtype):
    x, y = batch(loss, 6, (), torch.float32)
    with torch.autocast("cpu", dtype=dtype):
        inside = loss(x, y, weight=torch.ones(6))
    assert torch.equal(inside, loss(x, y, weight=torch.ones(6)))


@each_loss
def test_the_same_bits_come_every_time(loss):
    n = 50 if loss.target.is_coupled else 5_000
    x, y = batch(loss, n, (3,), torch.float32)
    first = value_and_gradient(loss, x, y, weight=torch.rand(n, generator=torch.Generator().manual_seed(0)))
    for _ in range(3):
        weight = torch.rand(n, generator=torch.Generator().manual_seed(0))
        again = value_and_gradient(loss, x.clone(), None if y is None else y.clone(), weight=weight)
        assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
