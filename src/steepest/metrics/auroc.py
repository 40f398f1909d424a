"""AUROC: how often a sample of the class gets a higher score than another one; 0.5 is what guessing gives."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from steepest.core.declare import metric
from steepest.core.errors import MetricError
from steepest.core.rows import Rows
from steepest.core.tally import State

from . import delong
from .ranking import area, class_ranking, over_classes, own_class, rank
from .scores import order_of

Average = Literal["macro", "weighted", "none"]
Pairs = Literal["ovr", "ovo"]


def _delong(
    state: State, level: float, *, average: Average = "macro", multi_class: Pairs = "ovr"
) -> tuple[Tensor, Tensor] | None:
    """None where classes are compared pair by pair, or a mean of areas is wanted of a histogram."""
    ranked = rank(state)
    each, support = area(ranked), ranked.positive.sum(-1)
    if each.shape[-1] == 1:
        low, high = delong.bounds(each, delong.spread(state), level)
        return (low, high) if average == "none" else (low.squeeze(-1), high.squeeze(-1))
    if multi_class == "ovo":
        return None
    if average == "none":
        return delong.bounds(each, delong.spread(state), level)
    if isinstance(state, Tensor):
        return None
    is_known = ~each.isnan()
    shares = torch.where(is_known, support if average == "weighted" else 1.0, 0.0)
    shares = shares / shares.sum(-1, keepdim=True)
    return delong.bounds(over_classes(each, support, average), delong.spread(state, shares), level)


@metric(
    counts=class_ranking,
    task="classification",
    best="max",
    unit="share",
    equals="sklearn.metrics.roc_auc_score",
    equals_with={"multi_class": "ovr"},
    bounds={"delong": _delong},
    formula="share of pairs (a of class c, b of another) with x_a > x_b, ties half",
    use="How well the scores order samples, whatever threshold is chosen later and whatever the class sizes are.",
    avoid="A rare class of which only the top of the list is read: average_precision.",
    differs={"torchmetrics AUROC": "guesses from the values whether scores are logits, batch by batch"},
    source="scikit-learn user guide, roc_auc_score; interval: DeLong et al. 1988, doi:10.2307/2531595; "
    "pairs of classes: Hand & Till 2001, doi:10.1023/A:1010920819831",
)
def auroc(state: State, *, average: Average = "macro", multi_class: Pairs = "ovr") -> Tensor:
    """Rows or a histogram -> (...): of class 1 of two, or the mean over classes against all others ("ovr") or over pairs ("ovo").

    A class that every sample has, or none, has NaN and is left out of the mean. average="none": (..., C), (..., 1) for two classes.
    """
    ranked = rank(state)
    each = area(ranked)
    if each.shape[-1] == 1:
        return each if average == "none" else each.squeeze(-1)
    support = ranked.positive.sum(-1)
    if multi_class == "ovr" or average == "none":
        return over_classes(each, support, average)
    return _of_pairs(state, support, average)


def _of_pairs(state: State, support: Tensor, average: Average) -> Tensor:
    """The mean over pairs of classes, each pair by both classes' scores among the samples of the two."""
    if isinstance(state, Tensor):
        raise MetricError(
            where="auroc",
            seen='multi_class="ovo" with bins',
            needed="all rows were needed for pairs of classes",
            repair='Leave bins out, or multi_class="ovr".',
        )
    n_classes = support.shape[-1]
    wins = torch.stack([_against_each(state, c) for c in range(n_classes)], -2)  # [own, other]
    values, weights = [], []
    for a in range(n_classes):
        for b in range(a + 1, n_classes):
            values.append((wins[..., a, b] + wins[..., b, a]) / 2)
            weights.append(support[..., a] + support[..., b])
    return over_classes(torch.stack(values, -1), torch.stack(weights, -1), average)


def _against_each(rows: Rows, c: int) -> Tensor:
    """(..., C): how often a sample of class c has a higher score for c than one of each other class."""
    scores = order_of(rows)[..., c].unsqueeze(-2)
    is_own = own_class(rows)
    found = []
    for other in range(is_own.shape[-2]):
        weight = is_own[..., c, :] | is_own[..., other, :]
        weight = weight.double() if rows.weight is None else weight * rows.weight
        pair = Rows(
            scores.movedim(-2, -1),
            is_own[..., c, :].long(),
            weight,
            rows.n_lead,
            {"from_logits": None, "n_scores": 1, "bins": None},
        )
        found.append(area(rank(pair)).squeeze(-1))
    return torch.stack(found, -1)
