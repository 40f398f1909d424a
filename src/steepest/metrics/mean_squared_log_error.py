"""Mean squared logarithmic error: the squared ratio of prediction and target, on a logarithmic scale."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric

from .log_errors import log_errors
from .sample_means import mean


@metric(
    counts=log_errors,
    task="regression",
    best="min",
    unit="",
    equals="sklearn.metrics.mean_squared_log_error",
    formula="sum w (log(1 + x) - log(1 + y))**2 / sum w",
    use="Amounts that grow by factors: sales, counts, prices; twice too much costs as much as half.",
    source="scikit-learn user guide, mean_squared_log_error",
)
def mean_squared_log_error(state: Tensor) -> Tensor:
    """Sums (..., T, 2) -> (...), the mean over the T target columns. Values of -1 and below are refused. NaN without samples."""
    return mean(state).mean(-1)
