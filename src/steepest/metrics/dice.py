"""Dice: twice the overlap of the predicted and the true region as a share of their sizes, each class alike."""

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
    formula="2 n_cc / (sum_t n_tc + sum_p n_cp)",
    use="Segmentation, above all of medical images: pixels are the samples. The same number as f1.",
    source="scikit-learn user guide, f1_score",
)
def dice(state: Tensor, *, average: Average = "macro") -> Tensor:
    """Counts (..., C, C) -> (...), over the classes that occur in target or prediction.

    Pixels of one image are not independent: give interval(rows, groups=image of each pixel).
    """
    return averaged(2 * state.diagonal(dim1=-2, dim2=-1), state.sum(-1) + state.sum(-2), state, average, "dice")
