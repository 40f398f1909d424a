"""Mean gamma deviance: how badly predicted means explain amounts, by the ratio of the two."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric

from .number_means import above_zero, number_means
from .sample_means import mean


def _deviance(prediction: Tensor, target: Tensor) -> Tensor:
    return 2 * ((prediction / target).log() + target / prediction - 1)


@metric(
    counts=number_means(_deviance, ("prediction", above_zero, "above 0"), ("target", above_zero, "above 0")),
    task="regression",
    best="min",
    unit="",
    equals="sklearn.metrics.mean_gamma_deviance",
    formula="2 sum w (log(x / y) + y / x - 1) / sum w",
    use="Positive amounts whose spread grows in proportion to their mean: claim sizes, durations.",
    source="scikit-learn user guide, mean Poisson, gamma, and Tweedie deviances",
)
def mean_gamma_deviance(state: Tensor) -> Tensor:
    """Sums (..., T, 2) -> (...), the mean over the T target columns. NaN without samples."""
    return mean(state).mean(-1)
