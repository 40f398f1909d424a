"""Classwise calibration error: the calibration error of every class's probability, averaged over the classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from torch import Tensor

from steepest.core.declare import metric
from steepest.core.interval import Grown

from .calibration import Norm, class_bins, gap, moved_gap, n_filled


def _slow(prediction: Sequence[Sequence[float]], target: Sequence[int], weight: Sequence[float]) -> float:
    gaps: dict[tuple[int, int], float] = {}
    for p, y, w in zip(prediction, target, weight):
        for c, of_class in enumerate(p):
            place = c, min(max(math.ceil(of_class * 15) - 1, 0), 14)
            gaps[place] = gaps.get(place, 0.0) + w * (of_class - (c == y))
    return sum(map(abs, gaps.values())) / sum(weight) / len(prediction[0])


Average = Literal["macro", "none"]


def _over(each: Tensor, average: Average) -> Tensor:
    return each if average == "none" else each.mean(-1)


def _gap(state: Tensor, *, norm: Norm = "l1", average: Average = "macro") -> Tensor:
    return _over(gap(state, norm), average)


def _moved(state: Tensor, sample: Tensor, *, norm: Norm = "l1", average: Average = "macro") -> Tensor:
    found = moved_gap(state, sample, norm)  # (..., C, c)
    return found if average == "none" else found.mean(-2)


def _n_filled(state: Tensor, *, norm: Norm = "l1", average: Average = "macro") -> Tensor:
    return n_filled(state) if average == "none" else n_filled(state).sum(-1)


@metric(
    counts=class_bins,
    task="classification",
    best="min",
    unit="share",
    slow=_slow,
    grown=Grown(_gap, _moved, _gap, _n_filled),
    formula="mean over classes c of sum_b n_cb / n |p_cb - share of class c in bin b|",
    use="All probabilities are used, not only the largest: costs, ranking, rare classes.",
    source="Kull et al. 2019, arXiv:1910.12656",
)
def classwise_calibration_error(state: Tensor, *, norm: Norm = "l1", average: Average = "macro") -> Tensor:
    """Bins (..., C, bins, 3) -> (...), or (..., C) with average="none". NaN without samples."""
    return _gap(state, norm=norm, average=average)
