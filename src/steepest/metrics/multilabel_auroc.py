"""AUROC of labels: how often a sample that has a label gets a higher score for it than one that has not."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from steepest.core.declare import metric
from steepest.core.tally import State

from . import delong
from .labels import label_ranking
from .ranking import area, over_classes, rank

Average = Literal["macro", "weighted", "none"]


def _delong(state: State, level: float, *, average: Average = "macro") -> tuple[Tensor, Tensor] | None:
    """None where a mean of areas is wanted of a histogram."""
    ranked = rank(state)
    each, support = area(ranked), ranked.positive.sum(-1)
    if average == "none":
        return delong.bounds(each, delong.spread(state), level)
    if isinstance(state, Tensor):
        return None
    shares = torch.where(each.isnan(), 0.0, support if average == "weighted" else 1.0)
    shares = shares / shares.sum(-1, keepdim=True)
    return delong.bounds(over_classes(each, support, average), delong.spread(state, shares), level)


@metric(
    counts=label_ranking,
    task="multilabel",
    best="max",
    unit="share",
    equals="sklearn.metrics.roc_auc_score",
    bounds={"delong": _delong},
    formula="mean over labels of the share of pairs (a with the label, b without) with x_a > x_b, ties half",
    use="Several labels per sample: how well their scores order the samples, whatever thresholds are chosen later.",
    source="scikit-learn user guide, roc_auc_score; interval: DeLong et al. 1988, doi:10.2307/2531595",
)
def multilabel_auroc(state: State, *, average: Average = "macro") -> Tensor:
    """Rows or a histogram -> (...). A label that every sample has, or none, has NaN and is left out of the mean."""
    ranked = rank(state)
    return over_classes(area(ranked), ranked.positive.sum(-1), average)
