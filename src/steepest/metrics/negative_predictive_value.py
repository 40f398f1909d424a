"""Negative predictive value: of the samples that were not given a class, the share that does not belong to it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from steepest.core.declare import metric

from .averages import Average, averaged, of_each_class, tries_of
from .confusion import confusion


def _tries(state: Tensor) -> tuple[Tensor, Tensor]:
    _, _, missed, rightly_not = of_each_class(state)
    return rightly_not, rightly_not + missed


def _share(state: Tensor, *, average: Average = "macro") -> tuple[Tensor, Tensor] | None:
    return tries_of(*_tries(state), average, "negative_predictive_value")


def _slow(prediction: Sequence[int], target: Sequence[int], weight: Sequence[float]) -> float:
    values = []
    for c in {*prediction, *target}:
        given_other = [(given, true, w) for given, true, w in zip(prediction, target, weight) if given != c]
        total = sum(w for _, _, w in given_other)
        values.append(sum(w for given, true, w in given_other if true != c) / total if total else 0.0)
    return sum(values) / len(values)


@metric(
    counts=confusion,
    task="classification",
    best="max",
    unit="share",
    share=_share,
    slow=_slow,
    formula="sum n_tp with t != c and p != c, as a share of n - sum_t n_tc",
    use="How far an all-clear can be trusted, at the class sizes of this data.",
    source="torchmetrics documentation, NegativePredictiveValue",
)
def negative_predictive_value(state: Tensor, *, average: Average = "macro") -> Tensor:
    """Counts (..., C, C) -> (...). 0 for a class that was given to every sample."""
    return averaged(*_tries(state), state, average, "negative_predictive_value")
