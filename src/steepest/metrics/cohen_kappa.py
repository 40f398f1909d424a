"""Cohen's kappa: agreement beyond what the class sizes alone would give; weighted, near misses count as less wrong."""

from __future__ import annotations

from typing import Literal

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
    equals="sklearn.metrics.cohen_kappa_score",
    formula="1 - sum w_tp n_tp / sum w_tp e_tp, with e_tp = n_t sum_c n_cp / n and w_tp = 1, |t - p| or (t - p)**2 off the diagonal",
    use="Agreement of two raters, or ordered classes (grades, stages) with weights quadratic.",
    differs={
        "sklearn.metrics.cohen_kappa_score": "with weights it numbers the classes that occur; ours keep their index"
    },
    source="Cohen 1960, doi:10.1177/001316446002000104; weighted: scikit-learn user guide, cohen_kappa_score",
)
def cohen_kappa(state: Tensor, *, weights: Literal["none", "linear", "quadratic"] = "none") -> Tensor:
    """Counts (..., C, C) -> (...). NaN where target and prediction hold one and the same class only."""
    index = torch.arange(state.shape[-1], dtype=state.dtype, device=state.device)
    apart = (index - index.unsqueeze(1)).abs()
    cost = (apart > 0).double() if weights == "none" else apart if weights == "linear" else apart.square()
    true, given = state.sum(-1), state.sum(-2)
    expected = torch.einsum("...t,tp,...p->...", true, cost, given) / state.sum((-1, -2))
    return known(1 - (state * cost).sum((-1, -2)) / expected, state)
