"""SparseAdam: Adam for embeddings with sparse gradients; only the rows that a batch touched move and remember."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, Positive, UnitOpen


@rule(
    formula="lr * mhat / (sqrt(v) + eps) * sqrt(1 - beta2**t), for rows in the batch",
    equals="torch.optim.SparseAdam",
    claims=[rests_at_zero_gradient],
    search={"lr": Log(1e-4, 1e-2), "beta1": Log1m(2e-2, 5e-1), "beta2": Log1m(1e-3, 5e-2)},
    solo_only="The trials of a population touch different rows, and their stacked gradients are dense.",
    use="Large tables of embeddings (sparse=True) of which a batch touches a small part.",
    avoid="Small tables: adam on dense gradients is faster and remembers rows between their uses.",
    source="Kingma & Ba 2015, arXiv:1412.6980, in the lazy form of torch.optim.SparseAdam; search ranges as adamw",
)
def sparse_adam(
    grad: Tensor,
    exp_avg: Tensor,
    exp_avg_sq: Tensor,
    *,
    t: Any,
    lr: NonNegative = 1e-3,
    beta1: UnitOpen = 0.9,
    beta2: UnitOpen = 0.999,
    eps: Positive = 1e-8,
) -> tuple[Tensor, Tensor, Tensor]:
    """For the touched rows. t counts all steps, not those of a row; eps stands beside the uncorrected root."""
    exp_avg = torch.lerp(exp_avg, grad, 1 - beta1)
    exp_avg_sq = torch.lerp(exp_avg_sq, grad * grad, 1 - beta2)
    rate = lr * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
    return rate * exp_avg / (exp_avg_sq.sqrt() + eps), exp_avg, exp_avg_sq
