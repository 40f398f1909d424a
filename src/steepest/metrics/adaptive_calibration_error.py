"""Adaptive calibration error: the calibration error in bins of equally many samples, so that none is nearly empty."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from steepest.core.declare import metric
from steepest.core.interval import Grown
from steepest.core.rows import Rows

from .calibration import Norm, confidences, equal_mass, gap, moved_gap, n_filled, of_top_label


def _slow(prediction: Sequence[Sequence[float]], target: Sequence[int], weight: Sequence[float]) -> float:
    rows = sorted((max(p), p.index(max(p)) == y, w) for p, y, w in zip(prediction, target, weight))
    gaps, before = [0.0] * 15, 0.0
    for confidence, right, w in rows:
        equal = [v for c, _, v in rows if c == confidence]
        below = sum(v for c, _, v in rows if c < confidence)
        gaps[int((below + sum(equal) / 2) / sum(weight) * 15)] += w * (confidence - right)
        before += w
    return sum(map(abs, gaps)) / before


def _bins(state: Rows) -> Tensor:
    return equal_mass(*of_top_label(state), state.weight, state.facts["bins"])


def _gap(state: Rows, *, norm: Norm = "l1") -> Tensor:
    return gap(_bins(state), norm)


def _moved(state: Rows, sample: Rows, *, norm: Norm = "l1") -> Tensor:
    return moved_gap(_bins(state), _bins(sample), norm)


def _n_filled(state: Rows, *, norm: Norm = "l1") -> Tensor:
    return n_filled(_bins(state))


@metric(
    counts=confidences,
    task="classification",
    best="min",
    unit="share",
    slow=_slow,
    grown=Grown(_gap, _moved, _gap, _n_filled),
    formula="sum_b n_b / n |confidence_b - right_b|, every n_b alike",
    use="Confidences crowd near 1, where bins of equal width hold nearly all samples in one.",
    source="Kumar, Liang & Ma 2019, arXiv:1909.10155",
)
def adaptive_calibration_error(state: Rows, *, norm: Norm = "l1") -> Tensor:
    """Rows -> (...); equal confidences share a bin. NaN without samples."""
    return _gap(state, norm=norm)
