"""NAdamW: AdamW that looks one step of momentum ahead, as Nesterov's method does."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient, step_at_most_lr
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, Positive, UnitOpen


@rule(
    formula="lr * (mu_next * m / (1 - mu_product * mu_next) + (1 - mu) * g / (1 - mu_product)) / (sqrt(vhat) + eps)",
    decay="decoupled",
    weight_decay=1e-2,
    equals="torch.optim.NAdam",
    equals_with={"decoupled_weight_decay": True},
    claims=[rests_at_zero_gradient, step_at_most_lr(1.06)],
    search={"lr": Log(1e-4, 1e-2), "beta1": Log1m(4e-3, 1e-1), "beta2": Log1m(1e-3, 5e-2)},
    initial={"mu_product": 1.0},
    scalar_states=["mu_product"],
    use="The reference arm of a comparison, as in AlgoPerf; it costs what AdamW costs.",
    avoid="Memory for two states is missing: lion keeps one, adafactor almost none.",
    differs={
        "AlgoPerf's and optax's NAdamW": "the momentum is beta1 from the start, with no schedule",
        "torch.optim.NAdam": "decays nothing unless told to; decoupled_weight_decay=True makes it this rule",
    },
    evidence="The baseline of AlgoPerf, which two of the submissions of 2024 clearly beat (arXiv:2502.15015).",
    source=(
        "Dozat 2016, openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ; decay: Loshchilov & Hutter 2019, arXiv:1711.05101; "
        "search ranges of lr and beta1: AlgoPerf baselines, arXiv:2306.07179"
    ),
    class_name="NAdamW",
)
def nadamw(
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
    """mu is the momentum of step t, which rises from beta1 / 2 towards beta1, the slower the smaller momentum_decay."""
    mu = beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))
    mu_next = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * momentum_decay))
    mu_product = mu_product * mu
    exp_avg = torch.lerp(exp_avg, grad, 1 - beta1)
    exp_avg_sq = torch.addcmul(beta2 * exp_avg_sq, (1 - beta2) * grad, grad)
    denominator = exp_avg_sq.sqrt() / (1 - beta2**t) ** 0.5 + eps
    ahead = lr * mu_next / (1 - mu_product * mu_next) * exp_avg + lr * (1 - mu) / (1 - mu_product) * grad
    return ahead / denominator, exp_avg, exp_avg_sq, mu_product
