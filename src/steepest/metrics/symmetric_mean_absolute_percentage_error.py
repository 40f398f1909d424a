"""Symmetric mean absolute percentage error: the error as a share of the mean size of prediction and target, 0 to 2."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from steepest.core.declare import metric

from .number_means import number_means
from .sample_means import mean


def _share_of_both(prediction: Tensor, target: Tensor) -> Tensor:
    size = prediction.abs() + target.abs()
    return torch.where(size == 0, 0.0, 2 * (prediction - target).abs() / size)


def _slow(prediction: Sequence[float], target: Sequence[float], weight: Sequence[float]) -> float:
    rows = zip(prediction, target, weight)
    return sum(w * 2 * abs(x - y) / (abs(x) + abs(y)) for x, y, w in rows if x or y) / sum(weight)


@metric(
    counts=number_means(_share_of_both),
    task="regression",
    best="min",
    unit="",
    slow=_slow,
    formula="sum w 2 |x - y| / (|x| + |y|) / sum w",
    use="Forecasts on very different scales, where a target near 0 must not decide the value.",
    differs={"torchmetrics SymmetricMeanAbsolutePercentageError": "the same, but for sizes below 1.17e-6"},
    source="torchmetrics documentation, SymmetricMeanAbsolutePercentageError",
)
def symmetric_mean_absolute_percentage_error(state: Tensor) -> Tensor:
    """Sums (..., T, 2) -> (...), the mean over the T target columns; 1 is 100 %, 0 where both are 0. NaN without samples."""
    return mean(state).mean(-1)
