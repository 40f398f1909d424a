"""Debiased calibration error: the root mean square gap of confidence and truth without what chance alone adds to it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from steepest.core.declare import metric
from steepest.core.interval import Grown

from .calibration import CONFIDENCE, RIGHT, N, gap, moved, top_label_bins


def _slow(prediction: Sequence[Sequence[float]], target: Sequence[int], weight: Sequence[float]) -> float:
    bins: dict[int, list[tuple[float, float, bool]]] = {}
    for p, y, w in zip(prediction, target, weight):
        place = min(max(math.ceil(max(p) * 15) - 1, 0), 14)
        bins.setdefault(place, []).append((w, max(p), p.index(max(p)) == y))
    total = 0.0
    for rows in bins.values():
        n = sum(w for w, _, _ in rows)
        if n > 1:
            right = sum(w * r for w, _, r in rows) / n
            gap = sum(w * c for w, c, _ in rows) / n - right
            total += n * (gap**2 - right * (1 - right) / (n - 1))
    return math.sqrt(max(total / sum(weight), 0.0))


def _squared(state: Tensor) -> Tensor:
    """Without the bias of a sample; below 0 where chance alone would give more."""
    n = state[..., N]
    total, some = n.sum(-1), torch.where(n > 1, n, 2.0)
    right = state[..., RIGHT] / some
    squared = (state[..., CONFIDENCE] / some - right).square() - right * (1 - right) / (some - 1)
    return torch.where(total > 0, torch.where(n > 1, n * squared, 0.0).sum(-1) / total, torch.nan)


def _moved(state: Tensor, sample: Tensor) -> Tensor:
    n = state[..., N]
    some = torch.where(n > 1, n, 2.0)
    right = state[..., RIGHT] / some
    chance = right * (1 - right) / (some - 1)
    squared = (distance.square() - chance for distance in moved(state, sample))
    return torch.stack([torch.where(n > 1, n * each, 0.0).sum(-1) / n.sum(-1) for each in squared], -1)


def _whole(state: Tensor) -> Tensor:
    return gap(state, "l2")


def _n_samples(state: Tensor) -> Tensor:
    """Squares of distances are near to normal: all samples tell their spread."""
    return state[..., N].sum(-1)


def _root(squared: Tensor) -> Tensor:
    return squared.clamp(min=0).sqrt()


@metric(
    counts=top_label_bins,
    task="classification",
    best="min",
    unit="share",
    slow=_slow,
    grown=Grown(_squared, _moved, _whole, _n_samples),
    counts_samples=True,
    formula="sqrt(max(0, sum_b n_b / n ((confidence_b - right_b)**2 - right_b (1 - right_b) / (n_b - 1))))",
    use="Comparing the calibration of models, or of samples of different size: a perfect model comes out near 0.",
    source="Kumar, Liang & Ma 2019, arXiv:1909.10155",
)
def debiased_calibration_error(state: Tensor) -> Tensor:
    """Bins (..., bins, 3) -> (...), of samples of weight 1; a bin of one sample is left out. NaN without samples."""
    return _root(_squared(state))
