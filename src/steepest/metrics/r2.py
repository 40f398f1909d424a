"""R squared: the share of the target's variance that the predictions explain; 0 is what guessing the mean gives."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.declare import metric

from .moments import N_SAMPLES, SQUARED, moments, spread


@metric(
    counts=moments,
    task="regression",
    best="max",
    unit="",
    equals="sklearn.metrics.r2_score",
    usual=True,
    formula="1 - sum w (x - y)**2 / sum w (y - mean)**2",
    use="One number without a unit, comparable between targets.",
    source="Wright 1921, Correlation and causation, Journal of Agricultural Research 20",
)
def r2(state: Tensor) -> Tensor:
    """Sums (..., T, 18) -> (...), the mean over the T target columns.

    As scikit-learn: a constant target gives 1 when it is met exactly, else 0; fewer than two samples give NaN.
    """
    missed, total = state[..., SQUARED], spread(state)
    of_constant = torch.where(missed == 0, 1.0, torch.where(missed.isnan(), torch.nan, 0.0))
    value = torch.where(total == 0, of_constant, 1 - missed / total)
    return torch.where(state[..., N_SAMPLES] < 2, torch.nan, value).mean(-1)
