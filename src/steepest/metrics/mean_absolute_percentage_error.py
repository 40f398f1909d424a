"""Mean absolute percentage error: the error as a share of the target; of targets near 0 it is huge."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric

from .number_means import number_means
from .sample_means import mean

SMALLEST = 2.0**-52  # as scikit-learn


def _share_of_target(prediction: Tensor, target: Tensor) -> Tensor:
    return (prediction - target).abs() / target.abs().clamp(min=SMALLEST)


@metric(
    counts=number_means(_share_of_target),
    task="regression",
    best="min",
    unit="",
    equals="sklearn.metrics.mean_absolute_percentage_error",
    formula="sum w |x - y| / max(|y|, 2.2e-16) / sum w",
    use="Targets far from 0 on very different scales, where errors are told in percent of them.",
    avoid="Targets near 0, which decide the value: symmetric_mean_absolute_percentage_error or mean_absolute_error.",
    source="scikit-learn user guide, mean_absolute_percentage_error",
)
def mean_absolute_percentage_error(state: Tensor) -> Tensor:
    """Sums (..., T, 2) -> (...), the mean over the T target columns; 1 is 100 %. NaN without samples."""
    return mean(state).mean(-1)
