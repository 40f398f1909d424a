"""AdEMAMix: AdamW with a second, much slower mean of the gradient, so that old gradients go on to help."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient
from steepest.core.declare import rule
from steepest.core.domains import CountFromZero, Log, Log1m, NonNegative, Positive, UnitInside, UnitOpen
from steepest.core.per_trial import larger, log, smaller


def slow(
    grad: float,
    exp_avg: float,
    exp_avg_slow: float,
    exp_avg_sq: float,
    *,
    t: float,
    lr: float,
    beta1: float,
    beta2: float,
    beta3: float,
    alpha: float,
    warmup_steps: int,
    eps: float,
) -> tuple[float, ...]:
    """Algorithm 1 and equations 3 and 4 of the paper for one weight."""
    alpha_t, beta3_t = alpha, beta3
    if warmup_steps > 0:
        alpha_t = min(t * alpha / warmup_steps, alpha)
        if 0 < beta1 < beta3 and t < warmup_steps:
            a, b, s = math.log(beta1), math.log(beta3), t / warmup_steps
            beta3_t = min(math.exp(a * b / ((1 - s) * b + s * a)), beta3)
        elif t < warmup_steps and beta1 == 0:
            beta3_t = min(math.exp(math.log(beta3) * warmup_steps / t), beta3)
    m1 = beta1 * exp_avg + (1 - beta1) * grad
    m2 = beta3_t * exp_avg_slow + (1 - beta3_t) * grad
    v = beta2 * exp_avg_sq + (1 - beta2) * grad**2
    step = (m1 / (1 - beta1**t) + alpha_t * m2) / ((v / (1 - beta2**t)) ** 0.5 + eps)
    return lr * step, m1, m2, v


@rule(
    formula="lr * (m1hat + alpha * m2) / (sqrt(vhat) + eps)",
    slow=slow,
    decay="decoupled",
    weight_decay=0.0,
    claims=[rests_at_zero_gradient],
    search={
        "lr": Log(1e-4, 1e-2),
        "beta1": Log1m(2e-2, 5e-1),
        "beta2": Log1m(1e-3, 5e-2),
        "beta3": Log1m(1e-4, 1e-2),
        "alpha": Log(1.0, 10.0),
    },
    use="Long training of language models; give warmup_steps the length of the run, as the paper does.",
    avoid="Short runs: the slow mean, over 10,000 steps at the default beta3, has not begun to matter or lags behind.",
    differs={
        "optax.contrib.ademamix": "schedules of alpha and b3 are functions that the user gives",
        "pytorch_optimizer.AdEMAMix": "warmup_steps is t_alpha_beta3 there",
    },
    evidence=(
        "Among the best of 11 rules on language models of 124M to 720M parameters (Semenov et al. 2025, "
        "arXiv:2509.01440)."
    ),
    source="Pagliardini, Ablin & Grangier 2024, arXiv:2409.03137; search ranges: ours, around the paper's values",
    class_name="AdEMAMix",
)
def ademamix(
    grad: Tensor,
    exp_avg: Tensor,
    exp_avg_slow: Tensor,
    exp_avg_sq: Tensor,
    *,
    t: Any,
    lr: NonNegative = 1e-3,
    beta1: UnitOpen = 0.9,
    beta2: UnitOpen = 0.999,
    beta3: UnitInside = 0.9999,
    alpha: NonNegative = 5.0,
    warmup_steps: CountFromZero = 0,
    eps: Positive = 1e-8,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """m1, m2: the fast and the slow mean of the gradient; the slow one starts at zero, uncorrected.

    Over warmup_steps alpha rises from 0 and beta3 from beta1, its half-life linearly; 0: both are constant.
    """
    risen = smaller(t / larger(warmup_steps, 0.5), 1.0)  # at the first step of no warmup it is 1
    slowness = 1 / ((1 - risen) / log(larger(beta1, 1e-300)) + risen / log(beta3))
    beta3_t = smaller(math.e**slowness, beta3) * (risen < 1) + beta3 * (risen >= 1)
    exp_avg = torch.lerp(exp_avg, grad, 1 - beta1)
    exp_avg_slow = torch.lerp(exp_avg_slow, grad, 1 - beta3_t)
    exp_avg_sq = torch.addcmul(beta2 * exp_avg_sq, (1 - beta2) * grad, grad)
    denominator = exp_avg_sq.sqrt() / (1 - beta2**t) ** 0.5 + eps
    along = lr / (1 - beta1**t) * exp_avg + lr * alpha * risen * exp_avg_slow
    return along / denominator, exp_avg, exp_avg_slow, exp_avg_sq
