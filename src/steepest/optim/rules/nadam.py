"""NAdam: Adam that looks one step of momentum ahead, as Nesterov's method does; weight decay enters the gradient."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient, step_at_most_lr
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, Positive, UnitOpen

from .nadamw import nadamw


@rule(
    formula="lr * (mu_next * m / (1 - mu_product * mu_next) + (1 - mu) * g / (1 - mu_product)) / (sqrt(vhat) + eps)",
    decay="coupled",
    equals="torch.optim.NAdam",
    claims=[rests_at_zero_gradient, step_at_most_lr(1.06)],
    search={"lr": Log(1e-4, 1e-2), "beta1": Log1m(4e-3, 1e-1), "beta2": Log1m(1e-3, 5e-2)},
    initial={"mu_product": 1.0},
    scalar_states=["mu_product"],
    use="To repeat work that used NAdam; with weight decay take nadamw, which keeps decay and gradient apart.",
    avoid="New work with weight decay: large gradients would be decayed less than small ones.",
    differs={
        "keras.optimizers.Nadam": "momentum_decay is 1 there, so the momentum is full after 100 steps; eps 1e-7",
        "optax.nadam": "no schedule of the momentum",
    },
    evidence=(
        "One of 15 rules in more than 50,000 runs on 8 problems, none of which dominates; newer ones do not "
        "beat Adam consistently (Schmidt et al. 2021, arXiv:2007.01547)."
    ),
    source="Dozat 2016, openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ; search ranges as nadamw",
    class_name="NAdam",
)
def nadam(
    grad: Tensor,
    exp_avg: Tensor,
    exp_avg_sq: Tensor,
    mu_product: Any,
    *,
    t: Any,
    lr: NonNegative = 2e-3,
    beta1: UnitOpen = 0.9,
    beta2: UnitOpen = 0.999,
    eps: Positive = 1e-8,
    momentum_decay: NonNegative = 4e-3,
) -> tuple[Tensor, Tensor, Tensor, Any]:
    """nadamw's step; only what weight decay does differs."""
    return nadamw.fn(
        grad,
        exp_avg,
        exp_avg_sq,
        mu_product,
        t=t,
        lr=lr,
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        momentum_decay=momentum_decay,
    )
