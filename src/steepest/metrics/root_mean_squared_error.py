"""Root mean squared error: large mistakes count most, in the target's own unit."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric

from .moments import SQUARED, mean_of, moments


@metric(
    counts=moments,
    task="regression",
    best="min",
    unit="target",
    equals="sklearn.metrics.root_mean_squared_error",
    formula="sqrt(sum w (x - y)**2 / sum w)",
    use="A mistake twice as large is worse than two mistakes, and the figure should be read in the target's unit.",
    source="scikit-learn user guide, root_mean_squared_error",
)
def root_mean_squared_error(state: Tensor) -> Tensor:
    """Sums (..., T, 18) -> (...), the mean over the T target columns. NaN without samples."""
    return mean_of(state, SQUARED).sqrt().mean(-1)
