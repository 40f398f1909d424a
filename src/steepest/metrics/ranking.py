"""Rankings: the scores of one class in order, exactly from all rows or from a histogram of fixed size with its error bound."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from steepest.core.errors import DomainError
from steepest.core.rows import Rows
from steepest.core.tally import State, Tally

from .calibration import ties
from .scores import class_scores, order_of


def score_rows(
    prediction: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    from_logits: bool | None = None,
    bins: int | None = None,
) -> Rows:
    """One score per sample for class 1 of two (N,) or (..., N, 1), of any scale, or scores of classes (..., N, C); target class indices.

    from_logits must be said of columns: the probability of a class orders the samples otherwise than its logit does.
    bins: count into a histogram of so many scores, a state of fixed size, instead of keeping all rows.
    """
    rows = class_scores(prediction, target, weight, from_logits)
    return with_bins(rows, bins)


def with_bins(rows: Rows, bins: int | None) -> Rows:
    if bins is not None and bins < 2:
        raise DomainError(
            where="classification metric", seen=f"bins is {bins!r}", needed="at least 2 were needed", repair="bins=4096"
        )
    return Rows(rows.prediction, rows.target, rows.weight, rows.n_lead, {**rows.facts, "bins": bins})


def count_scores(rows: Rows) -> State:
    """The rows themselves; with bins weighted counts (..., C, bins, 2) of the samples that are not and are of the class."""
    bins = rows.facts["bins"]
    if bins is None:
        return rows
    scores, is_own = order_of(rows).movedim(-1, -2), own_class(rows)
    if rows.facts["from_logits"] is False:
        scores = scores.log() - torch.log1p(-scores)
    # even steps of a curve that is steepest at 0 and tells 1e4 from 1e5
    size = scores.abs().log1p()
    place = torch.where(size.isinf(), 1.0, size / (1 + size)) * scores.sign()
    index = ((place + 1) / 2 * bins).long().clamp(0, bins - 1)
    weight = torch.ones((), dtype=torch.float64, device=scores.device)
    weight = weight if rows.weight is None else rows.weight.unsqueeze(-2)
    shape = torch.broadcast_shapes(index.shape, weight.shape)
    sums = torch.zeros(*shape[:-1], bins, dtype=torch.float64, device=scores.device)
    each = [(weight * part).expand(shape) for part in (~is_own, is_own)]
    return torch.stack([sums.clone().scatter_add_(-1, index.expand(shape), part) for part in each], -1)


def own_class(rows: Rows) -> Tensor:
    """Whether a sample is of the class of the column, (..., C, N)."""
    if rows.target.dim() == rows.prediction.dim():  # labels of 0 and 1, a column each
        return rows.target.bool().movedim(-1, -2)
    n_classes = max(rows.facts["n_scores"], 2)
    found = one_hot(rows.target, n_classes).bool().movedim(-1, -2)
    return found if n_classes > 2 else found[..., 1:, :]


def _support(state: State) -> Tensor:
    ranked = rank(state)
    positive, negative = ranked.positive.sum(-1), ranked.negative.sum(-1)
    return torch.stack([positive, negative], -1) if positive.shape[-1] == 1 else positive


class Ranked(NamedTuple):
    """Weights of samples of the class and of the others (..., C, G) in the order of their scores, ascending.

    first, last: the places between which all have the score of this one. order: which sample stands here, or None.
    """

    positive: Tensor
    negative: Tensor
    first: Tensor
    last: Tensor
    order: Tensor | None

    def below(self, weights: Tensor) -> Tensor:
        """The weight with a lower score than each one."""
        summed = torch.nn.functional.pad(weights.cumsum(-1), (1, 0))
        return summed.gather(-1, self.first.expand(weights.shape))

    def tied(self, weights: Tensor) -> Tensor:
        """The weight with the same score as each one, itself included."""
        summed = torch.nn.functional.pad(weights.cumsum(-1), (1, 0))
        first, last = self.first.expand(weights.shape), self.last.expand(weights.shape)
        return summed.gather(-1, last + 1) - summed.gather(-1, first)


def rank(state: State) -> Ranked:
    if isinstance(state, Tensor):
        place = torch.arange(state.shape[-2], device=state.device).expand(state.shape[:-1])
        return Ranked(state[..., 1], state[..., 0], place, place, None)
    scores, is_own = order_of(state).movedim(-1, -2), own_class(state)
    ordered, order = scores.sort(-1)
    weight = torch.ones((), dtype=torch.float64, device=scores.device)
    weight = weight if state.weight is None else state.weight.unsqueeze(-2)
    shape = torch.broadcast_shapes(scores.shape, weight.shape)
    weight = weight.expand(shape).gather(-1, order.expand(shape))
    is_own = is_own.expand(scores.shape).gather(-1, order)
    first, last = ties(ordered)
    return Ranked(weight * is_own, weight * ~is_own, first, last, order)


class_ranking = Tally(score_rows, count_scores, reads="class scores", support=_support)


def area(ranked: Ranked) -> Tensor:
    """Share of the pairs of a sample of the class and another in which the first has the higher score, ties half: (..., C)."""
    wins = ranked.positive * (ranked.below(ranked.negative) + ranked.tied(ranked.negative) / 2)
    pairs = ranked.positive.sum(-1) * ranked.negative.sum(-1)
    return torch.where(pairs == 0, torch.nan, wins.sum(-1) / pairs)


def mean_precision(ranked: Ranked) -> Tensor:
    """The mean over the samples of a class of the precision at their score, (..., C)."""
    total = ranked.positive.sum(-1, keepdim=True), ranked.negative.sum(-1, keepdim=True)
    hits = total[0] - ranked.below(ranked.positive)
    alarms = total[1] - ranked.below(ranked.negative)
    precision = torch.where(ranked.positive == 0, 0.0, hits / (hits + alarms))
    value = (ranked.positive * precision).sum(-1) / total[0].squeeze(-1)
    return torch.where(total[0].squeeze(-1) == 0, torch.nan, value)


def over_classes(values: Tensor, support: Tensor, average: str) -> Tensor:
    """Values (..., C) averaged over the classes that have one, or as they are."""
    if average == "none":
        return values
    is_known = ~values.isnan() & (support > 0)
    weight = support * is_known if average == "weighted" else is_known.double()
    return torch.where(is_known, values * weight, 0.0).sum(-1) / weight.sum(-1)


def area_error(state: Tensor) -> Tensor:
    """How far at most the AUROC of a histogram (..., C, bins, 2) is off that of its rows, (..., C)."""
    negative, positive = state[..., 0], state[..., 1]
    return (negative * positive).sum(-1) / (2 * negative.sum(-1) * positive.sum(-1))


def mean_precision_bounds(state: Tensor) -> tuple[Tensor, Tensor]:
    """Between which numbers (..., C) the average precision of the rows of a histogram (..., C, bins, 2) lies."""
    negative, positive = state[..., 0], state[..., 1]
    hits, alarms = (t.flip(-1).cumsum(-1).flip(-1) - t for t in (positive, negative))
    total = positive.sum(-1)
    worst = (hits / (hits + alarms + negative)).nan_to_num(0.0)
    best = ((hits + positive) / (hits + positive + alarms)).nan_to_num(0.0)
    return (positive * worst).sum(-1) / total, (positive * best).sum(-1) / total
