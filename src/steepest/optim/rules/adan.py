"""Adan: Nesterov's look ahead estimated from the change of the gradient, so no second gradient is computed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient, step_at_most_lr
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, Positive, UnitOpen


def slow(
    grad: float,
    exp_avg: float,
    exp_avg_diff: float,
    exp_avg_sq: float,
    previous_grad: float,
    param: float,
    *,
    t: float,
    lr: float,
    beta1: float,
    beta2: float,
    beta3: float,
    eps: float,
    weight_decay: float,
) -> tuple[float, ...]:
    """Algorithm 1 of the paper, in its betas 1 - beta, with the correction of the start that its authors' code has."""
    change = 0.0 if t == 1 else grad - previous_grad
    m = beta1 * exp_avg + (1 - beta1) * grad
    v = beta2 * exp_avg_diff + (1 - beta2) * change
    n = beta3 * exp_avg_sq + (1 - beta3) * (grad + beta2 * change) ** 2
    ahead = m / (1 - beta1**t) + beta2 * v / (1 - beta2**t)
    rate = lr / ((n / (1 - beta3**t)) ** 0.5 + eps)
    return param - (param - rate * ahead) / (1 + weight_decay * lr), m, v, n, grad


@rule(
    formula="(lr * (mhat + beta2 * dhat) / (sqrt(nhat) + eps) + lr * weight_decay * w) / (1 + lr * weight_decay)",
    slow=slow,
    decay="inside",
    claims=[rests_at_zero_gradient, step_at_most_lr(1.0)],
    search={
        "lr": Log(2e-4, 2e-2),
        "beta1": Log1m(5e-3, 1e-1),
        "beta2": Log1m(2e-2, 3e-1),
        "beta3": Log1m(2e-3, 5e-2),
    },
    use="Vision transformers and convolutional networks with a long schedule; learning rates 5 to 10 times AdamW's.",
    avoid="Little memory: four states, twice AdamW's.",
    differs={
        "Xie et al. 2022": "betas are 1 - ours there: 0.02, 0.08, 0.01",
        "timm.optim.Adan(no_prox=True)": "weight decay as AdamW's; ours divides by 1 + lr * weight_decay, as the paper",
        "optax.adan": "weighs the change of the gradient by 1 - b2, 0.08 at the default, in place of the paper's 0.92",
    },
    evidence=(
        "By its authors alone: on ViT, GPT-2 and MAE as good as the usual rules after half of their epochs "
        "(arXiv:2208.06677)."
    ),
    source="Xie et al. 2022, arXiv:2208.06677; search ranges: ours, around the paper's values",
)
def adan(
    grad: Tensor,
    exp_avg: Tensor,
    exp_avg_diff: Tensor,
    exp_avg_sq: Tensor,
    previous_grad: Tensor,
    param: Tensor,
    *,
    t: Any,
    lr: NonNegative = 1e-3,
    beta1: UnitOpen = 0.98,
    beta2: UnitOpen = 0.92,
    beta3: UnitOpen = 0.99,
    eps: Positive = 1e-8,
    weight_decay: NonNegative = 0.0,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """m, d, n: running means of the gradient, of its change, and of (g + beta2 * change)**2. The first change is 0."""
    change = (t > 1) * (grad - previous_grad)
    exp_avg = torch.lerp(exp_avg, grad, 1 - beta1)
    exp_avg_diff = torch.lerp(exp_avg_diff, change, 1 - beta2)
    ahead = grad + beta2 * change
    exp_avg_sq = torch.addcmul(beta3 * exp_avg_sq, (1 - beta3) * ahead, ahead)
    denominator = exp_avg_sq.sqrt() / (1 - beta3**t) ** 0.5 + eps
    along = lr / (1 - beta1**t) * exp_avg + lr * beta2 / (1 - beta2**t) * exp_avg_diff
    shrink = 1 + lr * weight_decay
    return (along / denominator + lr * weight_decay * param) / shrink, exp_avg, exp_avg_diff, exp_avg_sq, grad
