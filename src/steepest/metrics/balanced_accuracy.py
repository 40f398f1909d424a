"""Balanced accuracy: the mean over the classes of the share that was found, so a rare one counts like a common one."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric

from .averages import known, share
from .confusion import confusion


@metric(
    counts=confusion, task="classification", best="max", unit="share", equals="sklearn.metrics.balanced_accuracy_score",
    formula="mean over classes c with n_c > 0 of n_cc / n_c",
    use="Classes of very different size that matter alike.",
    source="Brodersen et al. 2010, doi:10.1109/ICPR.2010.764",
)
def balanced_accuracy(state: Tensor) -> Tensor:
    """Counts (..., C, C) -> (...), over the classes that occur in the target. NaN without samples."""
    true = state.sum(-1)
    found = share(state.diagonal(dim1=-2, dim2=-1), true)
    return known(found.sum(-1) / (true > 0).sum(-1), state)
