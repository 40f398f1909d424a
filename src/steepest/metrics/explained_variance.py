"""Explained variance: the share of the target's variance that the predictions explain, whatever their bias."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.declare import metric

from .moments import ERROR, ERROR_SQUARED, moments, spread


@metric(
    counts=moments,
    task="regression",
    best="max",
    unit="",
    equals="sklearn.metrics.explained_variance_score",
    formula="1 - sum w (x - y - mean of x - y)**2 / sum w (y - mean)**2",
    use="A constant offset of the predictions does not matter; where it does, r2.",
    source="scikit-learn user guide, explained_variance_score",
)
def explained_variance(state: Tensor) -> Tensor:
    """Sums (..., T, 18) -> (...), the mean over the T target columns.

    As scikit-learn: a constant target gives 1 when it is met up to a constant, else 0. NaN without samples.
    """
    missed, total = spread(state, ERROR, ERROR_SQUARED), spread(state)
    of_constant = torch.where(missed == 0, 1.0, torch.where(missed.isnan(), torch.nan, 0.0))
    value = torch.where(total == 0, of_constant, 1 - missed / total)
    return torch.where(state[..., 0] == 0, torch.nan, value).mean(-1)
