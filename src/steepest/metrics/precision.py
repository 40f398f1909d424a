"""Precision: of the samples that were given a class, the share that belongs to it."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric

from .averages import Average, averaged, tries_of
from .confusion import confusion


def _share(state: Tensor, *, average: Average = "macro") -> tuple[Tensor, Tensor] | None:
    return tries_of(state.diagonal(dim1=-2, dim2=-1), state.sum(-2), average, "precision")


@metric(
    counts=confusion,
    task="classification",
    best="max",
    unit="share",
    equals="sklearn.metrics.precision_score",
    equals_with={"average": "macro", "zero_division": 0},
    share=_share,
    usual=True,
    formula="n_cc / sum_t n_tc",
    use="False alarms are what costs.",
    source="van Rijsbergen 1979, Information Retrieval, chapter 7",
)
def precision(state: Tensor, *, average: Average = "macro") -> Tensor:
    """Counts (..., C, C) -> (...). A class that was never predicted has precision 0."""
    return averaged(state.diagonal(dim1=-2, dim2=-1), state.sum(-2), state, average, "precision")
