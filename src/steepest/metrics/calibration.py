"""Calibration: whether of the predictions made with 80 % confidence 80 % are right; bins, their gaps, and the Brier score's parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from steepest.core.errors import DomainError
from steepest.core.interval import TIMES, wilson
from steepest.core.rows import Rows
from steepest.core.tally import Tally

from .scores import WHERE, probabilities, probability_rows

Norm = Literal["l1", "l2", "max"]
N, CONFIDENCE, RIGHT = range(3)  # the last axis of a state: sums of w, w * confidence, w * is right


def binned_rows(
    prediction: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    from_logits: bool | None = None,
    bins: int = 15,
) -> Rows:
    """As probability_rows; bins: how many bins of confidence."""
    if bins < 1:
        raise DomainError(
            where=WHERE, seen=f"bins is {bins!r}", needed="at least 1 was needed", repair="15 is what most papers take."
        )
    rows = probability_rows(prediction, target, weight, from_logits=from_logits)
    return Rows(rows.prediction, rows.target, rows.weight, rows.n_lead, {**rows.facts, "bins": bins})


def of_top_label(rows: Rows) -> tuple[Tensor, Tensor]:
    """The confidence in the class that is predicted and whether it is right, (..., N)."""
    best = probabilities(rows).max(-1)
    return best.values, (best.indices == rows.target).double()


def of_each_class(rows: Rows) -> tuple[Tensor, Tensor]:
    """The probability of each class and whether it came true, (..., C, N)."""
    p = probabilities(rows)
    return p.movedim(-1, -2), one_hot(rows.target, p.shape[-1]).double().movedim(-1, -2).expand(p.movedim(-1, -2).shape)


def _count_top(rows: Rows) -> Tensor:
    return equal_width(rows, *of_top_label(rows), rows.weight)


def _count_classes(rows: Rows) -> Tensor:
    return equal_width(rows, *of_each_class(rows), None if rows.weight is None else rows.weight.unsqueeze(-2))


top_label_bins = Tally(binned_rows, _count_top, reads="class scores")
class_bins = Tally(binned_rows, _count_classes, reads="class scores")
confidences = Tally(binned_rows, reads="class scores")  # the rows themselves, for bins that depend on all of them


def equal_width(rows: Rows, confidence: Tensor, right: Tensor, weight: Tensor | None) -> Tensor:
    """Sums (..., bins, 3) in bins (0, 1/bins], (1/bins, 2/bins] ..."""
    bins = rows.facts["bins"]
    return _summed((confidence * bins).ceil().long().sub(1).clamp(0, bins - 1), confidence, right, weight, bins)


def equal_mass(confidence: Tensor, right: Tensor, weight: Tensor | None, bins: int) -> Tensor:
    """The same in bins of equal weight; equal confidences share a bin."""
    ordered, order = confidence.sort(-1)
    full = torch.ones((), dtype=torch.float64, device=confidence.device) if weight is None else weight
    shape = torch.broadcast_shapes(full.shape, confidence.shape)
    mass = full.expand(shape).gather(-1, order.expand(shape))
    ends = mass.cumsum(-1)
    first, last = ties(ordered)
    before = torch.where(first.expand(shape) > 0, ends.gather(-1, (first - 1).clamp(min=0).expand(shape)), 0.0)
    middle = (before + ends.gather(-1, last.expand(shape))) / 2
    place = (middle / ends[..., -1:] * bins).nan_to_num(0.0).long().clamp(0, bins - 1)
    return _summed(place, ordered, right.expand(confidence.shape).gather(-1, order), mass, bins)


def ties(ordered: Tensor) -> tuple[Tensor, Tensor]:
    """The first and the last place (..., N) of the equal values among which each of these sorted ones stands."""
    n = ordered.shape[-1]
    place = torch.arange(n, device=ordered.device).expand(ordered.shape)
    is_new = torch.ones_like(place, dtype=torch.bool)
    is_new[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    first = torch.where(is_new, place, 0).cummax(-1).values if n else place
    is_end = torch.ones_like(is_new)
    is_end[..., :-1] = is_new[..., 1:]
    last = torch.where(is_end, place, n).flip(-1).cummin(-1).values.flip(-1) if n else place
    return first, last


def _summed(place: Tensor, confidence: Tensor, right: Tensor, weight: Tensor | None, bins: int) -> Tensor:
    full = torch.ones((), dtype=torch.float64, device=confidence.device) if weight is None else weight
    shape = torch.broadcast_shapes(place.shape, full.shape)
    sums = torch.zeros(*shape[:-1], bins, dtype=torch.float64, device=confidence.device)
    place = place.expand(shape)
    return torch.stack(
        [
            sums.clone().scatter_add_(-1, place, (full * v).expand(shape))
            for v in (torch.ones_like(confidence), confidence, right)
        ],
        -1,
    )


def gap(state: Tensor, norm: Norm) -> Tensor:
    """Bins (..., bins, 3) -> (...): the mean distance of confidence and share of right ones, by the norm."""
    return _mean(distances(state).abs(), state[..., N], norm)


def distances(state: Tensor) -> Tensor:
    """Confidence minus share of right ones in each bin (..., bins), 0 in an empty one."""
    n = state[..., N]
    return torch.where(n == 0, 0.0, (state[..., CONFIDENCE] - state[..., RIGHT]) / n)


def moved(state: Tensor, sample: Tensor) -> Iterator[Tensor]:
    """For each c of TIMES the distances of a resampled state, moved so that they lie around c times those of the sample.

    A bin of n samples spreads like n - 1 when it is resampled; that is made good.
    """
    n, found = sample[..., N], distances(sample)
    around_0 = (distances(state) - found) * torch.where(n > 1, n / (n - 1), 1.0).sqrt()
    return (around_0 + c * found for c in TIMES)


def moved_gap(state: Tensor, sample: Tensor, norm: Norm) -> Tensor:
    """(*, c)"""
    return torch.stack([_mean(distance.abs(), state[..., N], norm) for distance in moved(state, sample)], -1)


def n_filled(state: Tensor) -> Tensor:
    """Bins with samples."""
    return (state[..., N] > 0).sum(-1)


def _mean(distance: Tensor, n: Tensor, norm: Norm) -> Tensor:
    total = n.sum(-1)
    distance = torch.where(n == 0, 0.0, distance)
    if norm == "max":
        value = distance.max(-1).values
    elif norm == "l2":
        value = ((n * distance.square()).sum(-1) / total).sqrt()
    else:
        value = (n * distance).sum(-1) / total
    return torch.where(total > 0, value, torch.nan)


# -- what a reader looks at --------------------------------------------------------------------------------------------


class Curve(NamedTuple):
    """A reliability diagram: of each bin (..., bins) its samples, mean confidence, share of right ones and the band of that."""

    n: Tensor
    confidence: Tensor
    right: Tensor
    low: Tensor
    high: Tensor


def reliability_curve(state: Tensor, level: float = 0.95) -> Curve:
    """From the state of expected_calibration_error, or of a class of classwise_calibration_error; NaN for an empty bin.

    The band is Wilson's, for samples of weight 1.
    """
    n = state[..., N]
    return Curve(n, state[..., CONFIDENCE] / n, state[..., RIGHT] / n, *wilson(state[..., RIGHT], n, level))


class BrierParts(NamedTuple):
    """reliability - resolution + uncertainty is the score of the binned probabilities (...)."""

    reliability: Tensor
    resolution: Tensor
    uncertainty: Tensor


def brier_parts(state: Tensor) -> BrierParts:
    """Why a Brier score is what it is, from the state of classwise_calibration_error (..., C, bins, 3), summed over classes.

    Source: Murphy 1973, A new vector partition of the probability score
    """
    n = state[..., N]
    total = n.sum(-1, keepdim=True)
    share, filled = n / total, torch.where(n == 0, 1.0, n)
    base = state[..., RIGHT].sum(-1, keepdim=True) / total
    right, confidence = state[..., RIGHT] / filled, state[..., CONFIDENCE] / filled
    scale = 0.5 if state.shape[-3] == 2 else 1.0  # as brier: halved for two classes
    parts = ((confidence - right).square(), (right - base).square())
    summed = [scale * torch.where(n == 0, 0.0, share * p).sum((-1, -2)) for p in parts]
    return BrierParts(summed[0], summed[1], scale * (base * (1 - base)).squeeze(-1).sum(-1))
