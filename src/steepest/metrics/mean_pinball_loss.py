"""Pinball loss: what a predicted quantile costs; too low costs alpha, too high 1 - alpha."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.declare import metric
from steepest.core.domains import Unit
from steepest.core.rows import Rows
from steepest.core.tally import Tally

from .numbers import number_rows, weights_of


def _count(rows: Rows) -> Tensor:
    """Sums of w times how much too low and too high, and of w, (..., T, 3)."""
    weight, error = weights_of(rows), rows.prediction - rows.target
    shape = torch.broadcast_shapes(error.shape, weight.shape)
    parts = (weight * (-error).clamp(min=0), weight * error.clamp(min=0), weight)
    return torch.stack([part.expand(shape).sum(-2) for part in parts], -1)


@metric(
    counts=Tally(number_rows, _count, reads="numbers"),
    task="regression",
    best="min",
    unit="target",
    equals="sklearn.metrics.mean_pinball_loss",
    formula="sum w (alpha max(y - x, 0) + (1 - alpha) max(x - y, 0)) / sum w",
    use="The model predicts a quantile, not a mean; at alpha 0.5 it is half the mean absolute error.",
    source="Koenker & Bassett 1978, doi:10.2307/1913643",
)
def mean_pinball_loss(state: Tensor, *, alpha: Unit = 0.5) -> Tensor:
    """Sums (..., T, 3) -> (...), the mean over the T target columns. NaN without samples."""
    low, high, weight = state.unbind(-1)
    return ((alpha * low + (1 - alpha) * high) / weight).mean(-1)
