"""Mean Poisson deviance: how badly predicted rates explain counts."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.declare import metric

from .number_means import above_zero, not_below_zero, number_means
from .sample_means import mean


def _deviance(prediction: Tensor, target: Tensor) -> Tensor:
    return 2 * (torch.special.xlogy(target, target / prediction) - target + prediction)


@metric(
    counts=number_means(_deviance, ("prediction", above_zero, "above 0"), ("target", not_below_zero, "0 or more")),
    task="regression",
    best="min",
    unit="",
    equals="sklearn.metrics.mean_poisson_deviance",
    formula="2 sum w (y log(y / x) - y + x) / sum w",
    use="Counts whose spread grows with their mean: claims, visits.",
    source="scikit-learn user guide, mean Poisson, gamma, and Tweedie deviances",
)
def mean_poisson_deviance(state: Tensor) -> Tensor:
    """Sums (..., T, 2) -> (...), the mean over the T target columns. NaN without samples."""
    return mean(state).mean(-1)
