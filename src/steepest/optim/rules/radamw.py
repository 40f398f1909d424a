"""RAdamW: AdamW that steps along the plain mean gradient until its mean square has seen enough, instead of a warmup."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, Positive, UnitOpen
from steepest.core.per_trial import choose, larger


@rule(
    formula="lr * mhat * (rectification / (sqrt(vhat) + eps) if rho > 5 else 1)",
    decay="decoupled",
    weight_decay=1e-2,
    equals="torch.optim.RAdam",
    equals_with={"decoupled_weight_decay": True},
    claims=[rests_at_zero_gradient],
    search={"lr": Log(1e-4, 1e-2), "beta1": Log1m(2e-2, 5e-1), "beta2": Log1m(1e-3, 5e-2)},
    use="AdamW without a warmup to choose: the first steps are damped by what beta2 says of their uncertainty.",
    avoid="Gradients much larger than 1: the first five or so steps are plain momentum, whose size is the gradient's.",
    differs={
        "optax.radam": "eps beside the corrected root",
    },
    evidence=(
        "Adam with a plain linear warmup over 2 / (1 - beta2) steps does more or less the same (Ma & Yarats "
        "2021, arXiv:1910.04209)."
    ),
    source="Liu et al. 2020, arXiv:1908.03265; decay: arXiv:1711.05101; search ranges as adamw",
    class_name="RAdamW",
)
def radamw(
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
    """rho: the length of the mean of squares, in steps. eps stands beside the uncorrected root, as in torch."""
    exp_avg = torch.lerp(exp_avg, grad, 1 - beta1)
    exp_avg_sq = torch.addcmul(beta2 * exp_avg_sq, (1 - beta2) * grad, grad)
    correction = 1 - beta2**t
    longest = 2 / (1 - beta2) - 1
    rho = longest - 2 * t * beta2**t / correction
    # Below 5 the rectification is not used; larger keeps its root and quotient defined there.
    r, end = larger(rho, 5.0), larger(longest, 5.0)
    rectification = ((r - 4) * (r - 2) * end / ((end - 4) * (end - 2) * r)) ** 0.5
    rate = lr / (1 - beta1**t)
    adaptive = choose(rho > 5.0, rate * rectification * correction**0.5, 0.0)
    plain = choose(rho > 5.0, 0.0, rate)
    return exp_avg * (adaptive / (exp_avg_sq.sqrt() + eps) + plain), exp_avg, exp_avg_sq
