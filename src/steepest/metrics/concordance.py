"""Concordance correlation: how close prediction and target lie to being equal; bias and wrong scale lower it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from steepest.core.declare import metric

from .joint_moments import distance, joint_moments, spreads, total


def _slow(prediction: Sequence[float], target: Sequence[float], weight: Sequence[float]) -> float:
    n = sum(weight)
    mean_x, mean_y = (sum(w * v for w, v in zip(weight, values)) / n for values in (prediction, target))
    rows = [(w, x - mean_x, y - mean_y) for w, x, y in zip(weight, prediction, target)]
    squares = sum(w * (x * x + y * y) for w, x, y in rows) + n * (mean_x - mean_y) ** 2
    return 2 * sum(w * x * y for w, x, y in rows) / squares


@metric(
    counts=joint_moments,
    task="regression",
    best="max",
    unit="",
    slow=_slow,
    formula="2 sum w (x - mean of x) (y - mean) / (sum w (x - mean of x)**2 + sum w (y - mean)**2 + sum w (mean of x - mean)**2)",
    use="Agreement of two measurements of one thing, or of emotion and time-series predictions.",
    source="torchmetrics documentation, ConcordanceCorrCoef",
)
def concordance(state: Tensor) -> Tensor:
    """Sums (..., T, 18) -> (...), from -1 to 1, the mean over the T target columns. NaN where both are one constant."""
    x, y, both = spreads(state)
    size = x + y + total(state) * distance(state).square()
    return torch.where(size == 0, torch.nan, 2 * both / size).mean(-1)
