"""Mean absolute error: every unit of error counts alike; the median is its best constant guess."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric

from .moments import ABSOLUTE, mean_of, moments


@metric(
    counts=moments,
    task="regression",
    best="min",
    unit="target",
    equals="sklearn.metrics.mean_absolute_error",
    usual=True,
    formula="sum w |x - y| / sum w",
    use="Errors cost in proportion to their size, and some targets are outliers.",
    source="Laplace 1774, Mémoire sur la probabilité des causes par les événements",
)
def mean_absolute_error(state: Tensor) -> Tensor:
    """Sums (..., T, 18) -> (...), the mean over the T target columns. NaN without samples."""
    return mean_of(state, ABSOLUTE).mean(-1)
