"""F-beta: precision and recall in one number, recall counting beta times as much."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric
from steepest.core.domains import Positive

from .averages import Average, averaged
from .confusion import confusion


@metric(
    counts=confusion,
    task="classification",
    best="max",
    unit="share",
    equals="sklearn.metrics.fbeta_score",
    equals_with={"beta": 2.0, "average": "macro", "zero_division": 0},
    formula="(1 + beta**2) n_cc / (beta**2 sum_p n_cp + sum_t n_tc)",
    use="Misses cost more than false alarms (beta 2), or less (beta 0.5).",
    source="van Rijsbergen 1979, Information Retrieval, chapter 7",
)
def fbeta(state: Tensor, *, beta: Positive = 2.0, average: Average = "macro") -> Tensor:
    """Counts (..., C, C) -> (...). 0 for a class without a hit."""
    square = beta * beta
    tries = square * state.sum(-1) + state.sum(-2)
    return averaged((1 + square) * state.diagonal(dim1=-2, dim2=-1), tries, state, average, "fbeta")
