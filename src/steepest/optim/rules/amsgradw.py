"""AMSGradW: AdamW whose denominator never shrinks, which repairs its proof of convergence."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient, step_at_most_lr
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, Positive, UnitOpen


@rule(
    formula="lr * mhat / (sqrt(max(v) / (1 - beta2**t)) + eps)",
    decay="decoupled",
    weight_decay=1e-2,
    equals="torch.optim.AdamW",
    equals_with={"amsgrad": True},
    claims=[rests_at_zero_gradient, step_at_most_lr(1.0)],
    search={"lr": Log(1e-4, 1e-2), "beta1": Log1m(2e-2, 5e-1), "beta2": Log1m(1e-3, 5e-2)},
    use="AdamW that oscillates late in training, where rare large gradients are forgotten too soon.",
    avoid="As a first choice: it costs a third state and is seldom better than adamw with a larger beta2.",
    differs={
        "Reddi et al. 2018": "no correction of the start there; torch and we divide the largest v by 1 - beta2**t",
    },
    source="Reddi, Kale & Kumar 2018, arXiv:1904.09237; decay: arXiv:1711.05101; search ranges as adamw",
    class_name="AMSGradW",
)
def amsgradw(
    grad: Tensor,
    exp_avg: Tensor,
    exp_avg_sq: Tensor,
    max_exp_avg_sq: Tensor,
    *,
    t: Any,
    lr: NonNegative = 1e-3,
    beta1: UnitOpen = 0.9,
    beta2: UnitOpen = 0.999,
    eps: Positive = 1e-8,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The third state is the largest value that the mean square ever had."""
    exp_avg = torch.lerp(exp_avg, grad, 1 - beta1)
    exp_avg_sq = torch.addcmul(beta2 * exp_avg_sq, (1 - beta2) * grad, grad)
    max_exp_avg_sq = torch.maximum(max_exp_avg_sq, exp_avg_sq)
    denominator = max_exp_avg_sq.sqrt() / (1 - beta2**t) ** 0.5 + eps
    return lr / (1 - beta1**t) * exp_avg / denominator, exp_avg, exp_avg_sq, max_exp_avg_sq
