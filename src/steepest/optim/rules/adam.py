"""Adam: each parameter's step is its mean gradient over the root of its mean squared gradient, whatever their scale."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient, step_at_most_lr
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, Positive, UnitOpen

from .adamw import adamw


@rule(
    formula="lr * mhat / (sqrt(vhat) + eps)",
    decay="coupled",
    equals="torch.optim.Adam",
    claims=[rests_at_zero_gradient, step_at_most_lr(1.0)],
    search={"lr": Log(1e-4, 1e-2), "beta1": Log1m(2e-2, 5e-1), "beta2": Log1m(1e-3, 5e-2), "eps": Log(1e-10, 1.0)},
    use="To repeat work that used Adam; with weight decay take adamw, which keeps decay and gradient apart.",
    avoid="New work with weight decay: it enters the gradient, so weights with large gradients are decayed less.",
    differs={"keras.optimizers.Adam": "eps 1e-7, beside the uncorrected root (the paper's second form)"},
    evidence=(
        "Of 15 rules in more than 50,000 runs on 8 problems none dominates; Adam remains a strong contender, "
        "which newer ones do not beat consistently (Schmidt et al. 2021, arXiv:2007.01547). With its numbers "
        "tuned, eps among them, it never fell behind momentum (Choi et al. 2019, arXiv:1910.05446)."
    ),
    source="Kingma & Ba 2015, arXiv:1412.6980; range of eps: Choi et al. 2019, arXiv:1910.05446; others as adamw",
)
def adam(
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
    """adamw's step; only what weight decay does differs: it enters the gradient."""
    return adamw.fn(grad, exp_avg, exp_avg_sq, t=t, lr=lr, beta1=beta1, beta2=beta2, eps=eps)
