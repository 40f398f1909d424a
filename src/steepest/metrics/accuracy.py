"""Accuracy: the share of samples whose class was found."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric

from .confusion import confusion


def _share(state: Tensor) -> tuple[Tensor, Tensor]:
    return state.diagonal(dim1=-2, dim2=-1).sum(-1), state.sum((-1, -2))


@metric(
    counts=confusion,
    task="classification",
    best="max",
    unit="share",
    equals="sklearn.metrics.accuracy_score",
    share=_share,
    usual=True,
    formula="sum_c n_cc / n",
    use="Classes of similar size whose mistakes cost alike; with a rare class prefer balanced_accuracy or f1.",
    differs={"torchmetrics MulticlassAccuracy": "averages over classes unless told otherwise: balanced_accuracy here"},
    source="scikit-learn user guide, accuracy_score",
)
def accuracy(state: Tensor) -> Tensor:
    """Counts (..., C, C) -> (...). NaN without samples."""
    return state.diagonal(dim1=-2, dim2=-1).sum(-1) / state.sum((-1, -2))
