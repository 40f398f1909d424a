"""Average precision of labels: the mean precision at the scores of the samples that have a label."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from steepest.core.declare import metric
from steepest.core.tally import State

from .labels import label_ranking
from .ranking import mean_precision, over_classes, rank


@metric(
    counts=label_ranking,
    task="multilabel",
    best="max",
    unit="share",
    equals="sklearn.metrics.average_precision_score",
    formula="mean over labels, and samples a with the label, of the share of such among the samples b with x_b >= x_a",
    use="Several labels per sample, each rare: the mean average precision (mAP) of image tagging.",
    source="scikit-learn user guide, average_precision_score",
)
def multilabel_average_precision(state: State, *, average: Literal["macro", "weighted", "none"] = "macro") -> Tensor:
    """Rows or a histogram -> (...). A label that no sample has has NaN and is left out of the mean."""
    ranked = rank(state)
    return over_classes(mean_precision(ranked), ranked.positive.sum(-1), average)
