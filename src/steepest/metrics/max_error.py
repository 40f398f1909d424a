"""Maximum error: the worst mistake of all."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.declare import metric
from steepest.core.rows import Rows

from .kept_numbers import kept_numbers


@metric(
    counts=kept_numbers,
    task="regression",
    best="min",
    unit="target",
    equals="sklearn.metrics.max_error",
    formula="max of |x - y|",
    use="One large mistake ruins everything. It grows with the number of samples.",
    caution="A largest error is seldom the largest of another sample: the interval is that of this sample alone.",
    source="scikit-learn user guide, max_error",
)
def max_error(state: Rows) -> Tensor:
    """Rows -> (...), the mean over the T target columns. Samples of weight 0 do not count. NaN without samples."""
    error = (state.prediction - state.target).abs()
    if state.weight is not None:
        weight = state.weight.unsqueeze(-1)
        error = torch.where(weight > 0, error, torch.where(weight.isnan(), torch.nan, -torch.inf))
    if not len(state):
        return torch.full(error.shape[:-2], torch.nan, dtype=error.dtype, device=error.device)
    largest = error.max(-2).values
    return torch.where(largest == -torch.inf, torch.nan, largest).mean(-1)
