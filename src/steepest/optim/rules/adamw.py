"""AdamW: Adam whose weight decay shrinks the weights themselves instead of entering the gradient."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient, step_at_most_lr
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, Positive, UnitOpen


@rule(
    formula="lr * mhat / (sqrt(vhat) + eps)",
    decay="decoupled",
    weight_decay=1e-2,
    equals="torch.optim.AdamW",
    claims=[rests_at_zero_gradient, step_at_most_lr(1.0)],
    search={"lr": Log(1e-4, 1e-2), "beta1": Log1m(2e-2, 5e-1), "beta2": Log1m(1e-3, 5e-2)},
    use="A safe first choice for almost any network.",
    avoid="Memory for two states is missing: lion keeps one, adafactor almost none.",
    differs={
        "Loshchilov & Hutter 2019": "weight decay times the schedule alone; torch and we multiply by the learning rate",
        "optax.adamw": "weight_decay 1e-4 by default, and eps_root inside the root on request",
    },
    evidence=(
        "With a tuned learning rate alone it trains language models about twice as fast as with the recipe of GPT-3 "
        "(Wen et al. 2025, arXiv:2509.02046)."
    ),
    source="Loshchilov & Hutter 2019, arXiv:1711.05101; range of lr: AlgoPerf, arXiv:2306.07179; others: ours",
    class_name="AdamW",
)
def adamw(
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
    """m and v are running means of the gradient and of its square; both start at zero, which 1 - beta**t makes good."""
    exp_avg = torch.lerp(exp_avg, grad, 1 - beta1)
    exp_avg_sq = torch.addcmul(beta2 * exp_avg_sq, (1 - beta2) * grad, grad)
    denominator = exp_avg_sq.sqrt() / (1 - beta2**t) ** 0.5 + eps
    return lr / (1 - beta1**t) * exp_avg / denominator, exp_avg, exp_avg_sq
