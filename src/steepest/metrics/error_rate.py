"""Error rate: the share of samples whose class was missed, 1 - accuracy."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric

from .confusion import confusion


def _share(state: Tensor) -> tuple[Tensor, Tensor]:
    total = state.sum((-1, -2))
    return total - state.diagonal(dim1=-2, dim2=-1).sum(-1), total


@metric(
    counts=confusion,
    task="classification",
    best="min",
    unit="share",
    equals="sklearn.metrics.zero_one_loss",
    share=_share,
    formula="1 - sum_c n_cc / n",
    use="Accuracies near 1, of which 99.8 against 99.9 % is twice as many mistakes.",
    source="scikit-learn user guide, zero_one_loss",
)
def error_rate(state: Tensor) -> Tensor:
    """Counts (..., C, C) -> (...). NaN without samples."""
    missed, total = _share(state)
    return missed / total
