"""AMSGrad: Adam whose denominator never shrinks, which repairs its proof of convergence."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient, step_at_most_lr
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, Positive, UnitOpen

from .amsgradw import amsgradw


@rule(
    formula="lr * mhat / (sqrt(max(v) / (1 - beta2**t)) + eps)",
    decay="coupled",
    equals="torch.optim.Adam",
    equals_with={"amsgrad": True},
    claims=[rests_at_zero_gradient, step_at_most_lr(1.0)],
    search={"lr": Log(1e-4, 1e-2), "beta1": Log1m(2e-2, 5e-1), "beta2": Log1m(1e-3, 5e-2)},
    use="To repeat work that used Adam(amsgrad=True); with weight decay take amsgradw.",
    avoid="As a first choice: it costs a third state and is seldom better than adam with a larger beta2.",
    evidence=(
        "One of 15 rules in more than 50,000 runs on 8 problems, none of which dominates; newer ones, as this "
        "one, do not beat Adam consistently (Schmidt et al. 2021, arXiv:2007.01547)."
    ),
    source="Reddi, Kale & Kumar 2018, arXiv:1904.09237; search ranges as adamw",
    class_name="AMSGrad",
)
def amsgrad(
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
    """amsgradw's step; only what weight decay does differs: it enters the gradient."""
    return amsgradw.fn(grad, exp_avg, exp_avg_sq, max_exp_avg_sq, t=t, lr=lr, beta1=beta1, beta2=beta2, eps=eps)
