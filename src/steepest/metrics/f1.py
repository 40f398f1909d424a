"""F1: the harmonic mean of precision and recall, high only where both are."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric

from .averages import Average, averaged
from .confusion import confusion


@metric(
    counts=confusion,
    task="classification",
    best="max",
    unit="share",
    equals="sklearn.metrics.f1_score",
    equals_with={"average": "macro", "zero_division": 0},
    usual=True,
    formula="2 n_cc / (sum_t n_tc + sum_p n_cp)",
    use="Rare classes, where both false alarms and misses cost.",
    source="van Rijsbergen 1979, Information Retrieval, chapter 7",
)
def f1(state: Tensor, *, average: Average = "macro") -> Tensor:
    """Counts (..., C, C) -> (...). 0 for a class without a hit."""
    return averaged(2 * state.diagonal(dim1=-2, dim2=-1), state.sum(-1) + state.sum(-2), state, average, "f1")
