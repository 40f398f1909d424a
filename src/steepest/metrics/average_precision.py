"""Average precision: the mean precision at the scores of a class's samples; what guessing gives is the class's share."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from steepest.core.declare import metric
from steepest.core.tally import State

from .ranking import class_ranking, mean_precision, over_classes, rank


@metric(
    counts=class_ranking,
    task="classification",
    best="max",
    unit="share",
    equals="sklearn.metrics.average_precision_score",
    formula="mean over samples a of class c of the share of class c among the samples b with x_b >= x_a",
    use="A rare class whose samples should stand at the top of a list.",
    avoid="Comparing data sets of different class sizes: it rises with the class's share, auroc does not.",
    source="scikit-learn user guide, average_precision_score",
)
def average_precision(state: State, *, average: Literal["macro", "weighted", "none"] = "macro") -> Tensor:
    """Rows or a histogram -> (...): of class 1 of two, or the mean over classes against all others.

    A class without samples has NaN and is left out of the mean. average="none": (..., C), (..., 1) for two classes.
    """
    ranked = rank(state)
    each = mean_precision(ranked)
    if each.shape[-1] == 1:
        return each if average == "none" else each.squeeze(-1)
    return over_classes(each, ranked.positive.sum(-1), average)
