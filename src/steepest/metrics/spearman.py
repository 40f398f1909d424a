"""Spearman correlation: whether larger predictions go with larger targets, whatever the curve between them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from steepest.core.declare import metric
from steepest.core.rows import Rows

from .kept_numbers import kept_numbers, mid_ranks


def _ranks(values: Sequence[float], weight: Sequence[float]) -> list[float]:
    return [sum(w * ((v < own) + (v == own) / 2) for w, v in zip(weight, values)) for own in values]


def _slow(prediction: Sequence[float], target: Sequence[float], weight: Sequence[float]) -> float:
    x, y, n = _ranks(prediction, weight), _ranks(target, weight), sum(weight)
    mean_x, mean_y = (sum(w * v for w, v in zip(weight, ranks)) / n for ranks in (x, y))
    rows = [(w, a - mean_x, b - mean_y) for w, a, b in zip(weight, x, y)]
    squares = sum(w * a * a for w, a, _ in rows) * sum(w * b * b for w, _, b in rows)
    return sum(w * a * b for w, a, b in rows) / math.sqrt(squares)


@metric(
    counts=kept_numbers,
    task="regression",
    best="max",
    unit="",
    slow=_slow,
    formula="sum w (rank of x - its mean) (rank of y - its mean) / sqrt(of the squares of both)",
    use="Only the order of the predictions matters, as in a ranking.",
    source="SciPy documentation, scipy.stats.spearmanr",
)
def spearman(state: Rows) -> Tensor:
    """Rows -> (...), from -1 to 1, the mean over the T target columns; equals share a rank. NaN where either is constant."""
    x, y = (mid_ranks(values, state.weight) for values in (state.prediction, state.target))
    weight = (
        torch.ones((), dtype=torch.float64, device=x.device) if state.weight is None else state.weight.unsqueeze(-2)
    )
    weight = weight.expand(torch.broadcast_shapes(x.shape, weight.shape))
    n = weight.sum(-1, keepdim=True)
    x, y = (r - (weight * r).sum(-1, keepdim=True) / n for r in (x, y))
    spread = (weight * x * x).sum(-1), (weight * y * y).sum(-1)
    # ranks of equal values differ by rounding of the weights' sum alone
    is_constant = (spread[0] <= 1e-24 * n.squeeze(-1) ** 3) | (spread[1] <= 1e-24 * n.squeeze(-1) ** 3)
    value = (weight * x * y).sum(-1) / spread[0].sqrt() / spread[1].sqrt()
    return torch.where(is_constant, torch.nan, value.clamp(-1, 1)).mean(-1)
