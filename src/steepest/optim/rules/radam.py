"""RAdam: Adam that steps along the plain mean gradient until its mean square has seen enough, instead of a warmup."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, Positive, UnitOpen

from .radamw import radamw


@rule(
    formula="lr * mhat * (rectification / (sqrt(vhat) + eps) if rho > 5 else 1)",
    decay="coupled",
    equals="torch.optim.RAdam",
    claims=[rests_at_zero_gradient],
    search={"lr": Log(1e-4, 1e-2), "beta1": Log1m(2e-2, 5e-1), "beta2": Log1m(1e-3, 5e-2)},
    use="To repeat work that used RAdam; with weight decay take radamw, which keeps decay and gradient apart.",
    avoid="Gradients much larger than 1: the first five or so steps are plain momentum, whose size is the gradient's.",
    evidence=(
        "Adam with a plain linear warmup over 2 / (1 - beta2) steps does more or less the same (Ma & Yarats "
        "2021, arXiv:1910.04209)."
    ),
    source="Liu et al. 2020, arXiv:1908.03265; search ranges as adamw",
    class_name="RAdam",
)
def radam(
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
    """radamw's step; only what weight decay does differs: it enters the gradient."""
    return radamw.fn(grad, exp_avg, exp_avg_sq, t=t, lr=lr, beta1=beta1, beta2=beta2, eps=eps)
