"""Expected calibration error: how far confidence and the share of right predictions are apart, on average over bins."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from steepest.core.declare import metric
from steepest.core.interval import Grown

from .calibration import Norm, gap, moved_gap, n_filled, top_label_bins


def _slow(prediction: Sequence[Sequence[float]], target: Sequence[int], weight: Sequence[float]) -> float:
    gaps: dict[int, float] = {}
    for p, y, w in zip(prediction, target, weight):
        place = min(max(math.ceil(max(p) * 15) - 1, 0), 14)
        gaps[place] = gaps.get(place, 0.0) + w * (max(p) - (p.index(max(p)) == y))
    return sum(map(abs, gaps.values())) / sum(weight)


def _gap(state: Tensor, *, norm: Norm = "l1") -> Tensor:
    return gap(state, norm)


def _moved(state: Tensor, sample: Tensor, *, norm: Norm = "l1") -> Tensor:
    return moved_gap(state, sample, norm)


def _n_filled(state: Tensor, *, norm: Norm = "l1") -> Tensor:
    return n_filled(state)


@metric(
    counts=top_label_bins,
    task="classification",
    best="min",
    unit="share",
    slow=_slow,
    grown=Grown(_gap, _moved, _gap, _n_filled),
    formula="sum_b n_b / n |confidence_b - right_b|",
    use="Are the probabilities to be trusted: the usual figure, in bins of equal width over the predicted class's confidence.",
    avoid="Small samples: chance alone makes it positive; debiased_calibration_error corrects that.",
    source="Guo et al. 2017, arXiv:1706.04599",
)
def expected_calibration_error(state: Tensor, *, norm: Norm = "l1") -> Tensor:
    """Bins (..., bins, 3) -> (...); norm: "l1" the mean gap, "l2" its root mean square, "max" the largest. NaN without samples."""
    return _gap(state, norm=norm)
