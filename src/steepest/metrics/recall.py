"""Recall: of the samples of a class, the share that was found."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric

from .averages import Average, averaged, tries_of
from .confusion import confusion


def _share(state: Tensor, *, average: Average = "macro") -> tuple[Tensor, Tensor] | None:
    return tries_of(state.diagonal(dim1=-2, dim2=-1), state.sum(-1), average, "recall")


@metric(
    counts=confusion,
    task="classification",
    best="max",
    unit="share",
    equals="sklearn.metrics.recall_score",
    equals_with={"average": "macro", "zero_division": 0},
    share=_share,
    usual=True,
    formula="n_cc / sum_p n_cp",
    use="Misses are what costs.",
    source="van Rijsbergen 1979, Information Retrieval, chapter 7",
)
def recall(state: Tensor, *, average: Average = "macro") -> Tensor:
    """Counts (..., C, C) -> (...). A class that was predicted but never true has recall 0."""
    return averaged(state.diagonal(dim1=-2, dim2=-1), state.sum(-1), state, average, "recall")
