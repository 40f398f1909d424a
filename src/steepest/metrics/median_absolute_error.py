"""Median absolute error: half of the errors are smaller; the other half may be of any size."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric
from steepest.core.rows import Rows

from .kept_numbers import kept_numbers, weighted_median


@metric(
    counts=kept_numbers,
    task="regression",
    best="min",
    unit="target",
    equals="sklearn.metrics.median_absolute_error",
    formula="median of |x - y|",
    use="The usual error, where a few wild ones must not decide the value.",
    source="scikit-learn user guide, median_absolute_error",
)
def median_absolute_error(state: Rows) -> Tensor:
    """Rows -> (...), the mean over the T target columns. NaN without samples."""
    return weighted_median((state.prediction - state.target).abs(), state.weight).mean(-1)
