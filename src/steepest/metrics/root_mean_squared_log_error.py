"""Root mean squared logarithmic error: about the usual factor between prediction and target, less 1."""

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
    equals="sklearn.metrics.root_mean_squared_log_error",
    formula="sqrt(sum w (log(1 + x) - log(1 + y))**2 / sum w)",
    use="Amounts that grow by factors, told on the scale of their logarithm.",
    source="scikit-learn user guide, root_mean_squared_log_error",
)
def root_mean_squared_log_error(state: Tensor) -> Tensor:
    """Sums (..., T, 2) -> (...), the mean over the T target columns. Values of -1 and below are refused. NaN without samples."""
    return mean(state).sqrt().mean(-1)
