"""Matthews correlation: how far predicted and true classes go together, 0 for guessing whatever the class sizes are."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.declare import metric

from .averages import known
from .confusion import confusion


@metric(
    counts=confusion,
    task="classification",
    best="max",
    unit="",
    equals="sklearn.metrics.matthews_corrcoef",
    formula="(n sum_c n_cc - sum_c n_c sum_t n_tc) / sqrt((n**2 - sum_c n_c**2) (n**2 - sum_c (sum_t n_tc)**2))",
    use="One number for two classes of any sizes: high only where both classes are found and trusted.",
    source="scikit-learn user guide, matthews_corrcoef",
)
def matthews(state: Tensor) -> Tensor:
    """Counts (..., C, C) -> (...), from -1 to 1; 0 where only one class is true or predicted."""
    n, true, given = state.sum((-1, -2)), state.sum(-1), state.sum(-2)
    together = n * state.diagonal(dim1=-2, dim2=-1).sum(-1) - (true * given).sum(-1)
    apart = (n * n - true.square().sum(-1)) * (n * n - given.square().sum(-1))
    # weights leave rounding where one class has all samples: 1e-14 of n**4 is none
    return known(torch.where(apart <= 1e-14 * n.pow(4), 0.0, together / apart.sqrt()), state)
