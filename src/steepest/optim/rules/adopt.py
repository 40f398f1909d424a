"""ADOPT: Adam that divides each gradient by what was known before it came, and so converges for every beta2."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, Positive, UnitOpen


def slow(
    grad: float,
    exp_avg: float,
    exp_avg_sq: float,
    param: float,
    *,
    t: float,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> tuple[float, ...]:
    """Algorithm 2 of the paper for one weight; its step 0, which only measures, is our first."""
    if t == 1:
        return 0.0, 0.0, grad**2
    limit = (t - 1) ** 0.25
    scaled = max(-limit, min(limit, grad / max(exp_avg_sq**0.5, eps)))
    m = beta1 * exp_avg + (1 - beta1) * scaled
    return lr * weight_decay * param + lr * m, m, beta2 * exp_avg_sq + (1 - beta2) * grad**2


@rule(
    formula="lr * m, m the mean of clip(g / max(sqrt(v_before), eps), (t - 1)**0.25)",
    slow=slow,
    decay="inside",
    claims=[rests_at_zero_gradient],
    search={"lr": Log(1e-4, 1e-2), "beta1": Log1m(2e-2, 5e-1), "beta2": Log1m(1e-4, 5e-2)},
    use="Training in which Adam needs a carefully chosen beta2, such as generative models and small noisy batches.",
    avoid="Very few steps: the first only measures, and the next ones are clipped hard.",
    differs={
        "timm.optim.Adopt": "clips at t**0.333 by default; the paper and we at t**0.25",
        "the authors' code": "the same; decoupled weight decay begins with the second step, here too",
    },
    evidence=(
        "By its authors alone: ahead of Adam and its variants on images, generative models, language and "
        "reinforcement learning (arXiv:2411.02853)."
    ),
    source="Taniguchi et al. 2024, arXiv:2411.02853; search ranges as adamw, beta2 wider",
    class_name="ADOPT",
)
def adopt(
    grad: Tensor,
    exp_avg: Tensor,
    exp_avg_sq: Tensor,
    param: Tensor,
    *,
    t: Any,
    lr: NonNegative = 1e-3,
    beta1: UnitOpen = 0.9,
    beta2: UnitOpen = 0.9999,
    eps: Positive = 1e-6,
    weight_decay: NonNegative = 0.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """The first step only measures: the limit is 0 then. eps is the least denominator, not added to it."""
    limit, kept = (t - 1) ** 0.25, beta2 * (t > 1)
    scaled = grad / torch.clamp(exp_avg_sq.sqrt(), min=eps)
    exp_avg = torch.lerp(exp_avg, torch.clamp(scaled, min=-limit, max=limit), 1 - beta1)
    exp_avg_sq = torch.addcmul(kept * exp_avg_sq, (1 - kept) * grad, grad)
    return lr * exp_avg + lr * weight_decay * (t > 1) * param, exp_avg, exp_avg_sq
