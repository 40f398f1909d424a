"""Balanced accuracy: the mean over the classes of the share that was found, so a rare one counts like a common one."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric
from steepest.core.domains import Flag

from .averages import known, share
from .confusion import confusion


@metric(
    counts=confusion,
    task="classification",
    best="max",
    unit="share",
    equals="sklearn.metrics.balanced_accuracy_score",
    usual=True,
    formula="mean over classes c with n_c > 0 of n_cc / n_c",
    use="Classes of very different size that matter alike.",
    source="Brodersen et al. 2010, doi:10.1109/ICPR.2010.764",
)
def balanced_accuracy(state: Tensor, *, adjusted: Flag = False) -> Tensor:
    """Counts (..., C, C) -> (...), over the classes that occur in the target. NaN without samples.

    adjusted: guessing gives 0 and all right 1; with two classes that is Youden's J, recall + specificity - 1.
    """
    true = state.sum(-1)
    n_classes = (true > 0).sum(-1)
    value = share(state.diagonal(dim1=-2, dim2=-1), true).sum(-1) / n_classes
    if adjusted:
        value = (value - 1 / n_classes) / (1 - 1 / n_classes)
    return known(value, state)
