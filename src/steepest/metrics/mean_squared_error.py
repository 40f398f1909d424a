"""Mean squared error: large mistakes count most; the mean is its best constant guess."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric

from .moments import SQUARED, mean_of, moments


@metric(
    counts=moments,
    task="regression",
    best="min",
    unit="target squared",
    equals="sklearn.metrics.mean_squared_error",
    usual=True,
    formula="sum w (x - y)**2 / sum w",
    use="A mistake twice as large is worse than two mistakes.",
    source="Gauss 1821, Theoria combinationis observationum erroribus minimis obnoxiae",
)
def mean_squared_error(state: Tensor) -> Tensor:
    """Sums (..., T, 18) -> (...), the mean over the T target columns. NaN without samples."""
    return mean_of(state, SQUARED).mean(-1)
