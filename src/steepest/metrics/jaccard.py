"""Jaccard: of the samples that are of a class or were given it, the share that is both."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric

from .averages import Average, averaged, tries_of
from .confusion import confusion


def tries(state: Tensor) -> tuple[Tensor, Tensor]:
    found = state.diagonal(dim1=-2, dim2=-1)
    return found, state.sum(-1) + state.sum(-2) - found


def _share(state: Tensor, *, average: Average = "macro") -> tuple[Tensor, Tensor] | None:
    return tries_of(*tries(state), average, "jaccard")


@metric(
    counts=confusion,
    task="classification",
    best="max",
    unit="share",
    equals="sklearn.metrics.jaccard_score",
    equals_with={"average": "macro", "zero_division": 0},
    share=_share,
    formula="n_cc / (sum_p n_cp + sum_t n_tc - n_cc)",
    use="Overlap of two sets of samples, where f1 is too kind; for pixels it is called IoU (mean_iou).",
    source="scikit-learn user guide, jaccard_score",
)
def jaccard(state: Tensor, *, average: Average = "macro") -> Tensor:
    """Counts (..., C, C) -> (...). A class that occurs and has no hit has 0."""
    return averaged(*tries(state), state, average, "jaccard")
