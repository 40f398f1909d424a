"""Specificity: of the samples that are not of a class, the share that was not given it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from steepest.core.declare import metric

from .averages import Average, averaged, of_each_class, tries_of
from .confusion import confusion


def _tries(state: Tensor) -> tuple[Tensor, Tensor]:
    _, wrongly, _, rightly_not = of_each_class(state)
    return rightly_not, rightly_not + wrongly


def _share(state: Tensor, *, average: Average = "macro") -> tuple[Tensor, Tensor] | None:
    return tries_of(*_tries(state), average, "specificity")


def _slow(prediction: Sequence[int], target: Sequence[int], weight: Sequence[float]) -> float:
    values = []
    for c in {*prediction, *target}:
        true_other = [(given, true, w) for given, true, w in zip(prediction, target, weight) if true != c]
        total = sum(w for _, _, w in true_other)
        values.append(sum(w for given, true, w in true_other if given != c) / total if total else 0.0)
    return sum(values) / len(values)


@metric(
    counts=confusion,
    task="classification",
    best="max",
    unit="share",
    share=_share,
    slow=_slow,
    formula="sum n_tp with t != c and p != c, as a share of n - n_c",
    use="False alarms among the healthy are what costs; read it beside recall.",
    source="torchmetrics documentation, Specificity",
)
def specificity(state: Tensor, *, average: Average = "macro") -> Tensor:
    """Counts (..., C, C) -> (...). 0 for a class that every sample has."""
    return averaged(*_tries(state), state, average, "specificity")
