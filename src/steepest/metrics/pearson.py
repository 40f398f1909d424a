"""Pearson correlation: how well a straight line links prediction and target, whatever its slope and offset."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from steepest.core.declare import metric

from .joint_moments import joint_moments, spreads


def _slow(prediction: Sequence[float], target: Sequence[float], weight: Sequence[float]) -> float:
    n = sum(weight)
    mean_x, mean_y = (sum(w * v for w, v in zip(weight, values)) / n for values in (prediction, target))
    rows = [(w, x - mean_x, y - mean_y) for w, x, y in zip(weight, prediction, target)]
    squares = sum(w * x * x for w, x, _ in rows) * sum(w * y * y for w, _, y in rows)
    return sum(w * x * y for w, x, y in rows) / math.sqrt(squares)


@metric(
    counts=joint_moments,
    task="regression",
    best="max",
    unit="",
    slow=_slow,
    formula="sum w (x - mean of x) (y - mean) / sqrt(sum w (x - mean of x)**2 sum w (y - mean)**2)",
    use="Only how predictions go with the target matters, scale and offset will be set later; else concordance.",
    source="SciPy documentation, scipy.stats.pearsonr",
)
def pearson(state: Tensor) -> Tensor:
    """Sums (..., T, 18) -> (...), from -1 to 1, the mean over the T target columns. NaN where either is constant."""
    x, y, both = spreads(state)
    is_constant = (x == 0) | (y == 0)
    return torch.where(is_constant, torch.nan, (both / x.sqrt() / y.sqrt()).clamp(-1, 1)).mean(-1)
