"""MARS: AdamW on gradients corrected by how the last batch's differed, which takes out part of the noise."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient, step_at_most_lr
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, Positive, UnitOpen

from ..wholes import norm


def slow(
    grad: Any,
    exp_avg: Any,
    exp_avg_sq: Any,
    last_grad: Any,
    *,
    t: float,
    lr: float,
    beta1: float,
    beta2: float,
    gamma: float,
    eps: float,
) -> tuple[Any, ...]:
    """MARS-AdamW of the paper for one tensor, in its approximate form: one gradient per step."""
    change = grad - last_grad if t > 1 else 0 * grad
    c = grad + gamma * beta1 / (1 - beta1) * change
    length = (c**2).sum() ** 0.5
    c = c / length if length > 1 else c
    m = beta1 * exp_avg + (1 - beta1) * c
    v = beta2 * exp_avg_sq + (1 - beta2) * c**2
    return lr * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)) ** 0.5 + eps), m, v, grad


@rule(
    formula="lr * mhat / (sqrt(vhat) + eps) of c / max(1, |c|), c = g + gamma * beta1 / (1 - beta1) * (g - g_before)",
    slow=slow,
    decay="decoupled",
    weight_decay=1e-2,
    looks_at="matrix",
    claims=[rests_at_zero_gradient, step_at_most_lr(1.0)],
    search={
        "lr": Log(5e-4, 3e-2),
        "beta1": Log1m(2e-2, 2e-1),
        "beta2": Log1m(1e-3, 5e-2),
        "gamma": Log(6.25e-3, 5e-2),
    },
    use="Language models and other noisy training where one more state, the last gradient, fits into memory.",
    avoid="Full batches or smooth losses: there is no noise to take out, and the change of the gradient is curvature.",
    differs={
        "the authors' code": "vectors go by AdamW unless optimize_1d; the first correction is against a gradient of 0",
        "timm.optim.Mars": "vectors go by AdamW unless optimize_1d; the first step is ours",
    },
    evidence=(
        "Among the best of 11 rules on language models of 124M to 720M parameters (Semenov et al. 2025, "
        "arXiv:2509.01440)."
    ),
    source="Yuan et al. 2024, arXiv:2411.10438; ranges: about the paper's values, gamma: arXiv:2509.02046",
    class_name="MARS",
)
def mars(
    grad: Tensor,
    exp_avg: Tensor,
    exp_avg_sq: Tensor,
    last_grad: Tensor,
    *,
    t: Any,
    lr: NonNegative = 3e-3,
    beta1: UnitOpen = 0.95,
    beta2: UnitOpen = 0.99,
    gamma: NonNegative = 0.025,
    eps: Positive = 1e-8,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The corrected gradient c of each tensor is cut to length 1; at the first step nothing is corrected."""
    corrected = grad + gamma * beta1 / (1 - beta1) * (t > 1) * (grad - last_grad)
    corrected = corrected / norm(corrected).clamp(min=1)
    exp_avg = torch.lerp(exp_avg, corrected, 1 - beta1)
    exp_avg_sq = torch.addcmul(beta2 * exp_avg_sq, (1 - beta2) * corrected, corrected)
    denominator = exp_avg_sq.sqrt() / (1 - beta2**t) ** 0.5 + eps
    return lr / (1 - beta1**t) * exp_avg / denominator, exp_avg, exp_avg_sq, grad
