"""LAMB: Adam whose step on each tensor is as long as the tensor times the learning rate, for very large batches."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, Positive, UnitOpen

from ..matrices import trust_ratio
from ..wholes import norm


def slow(
    grad: Any,
    exp_avg: Any,
    exp_avg_sq: Any,
    param: Any,
    *,
    t: float,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> tuple[Any, ...]:
    """Algorithm 2 of the paper for one tensor, phi the identity."""
    m = beta1 * exp_avg + (1 - beta1) * grad
    v = beta2 * exp_avg_sq + (1 - beta2) * grad**2
    u = (m / (1 - beta1**t)) / ((v / (1 - beta2**t)) ** 0.5 + eps) + weight_decay * param
    length, size = (u**2).sum() ** 0.5, (param**2).sum() ** 0.5
    return lr * (size / length if size > 0 and length > 0 else 1.0) * u, m, v


@rule(
    formula="lr * |w| / |u| * u, u = mhat / (sqrt(vhat) + eps) + weight_decay * w",
    slow=slow,
    decay="inside",
    weight_decay=1e-2,
    looks_at="matrix",
    claims=[rests_at_zero_gradient.at(weight_decay=0)],
    search={"lr": Log(1e-4, 1e-2), "beta1": Log1m(5e-2, 3e-1), "beta2": Log1m(1e-3, 5e-2)},
    use="Batches of thousands, where each layer's step must fit its weights; made for BERT in few steps.",
    avoid="Small batches, where adamw does the same for less.",
    differs={
        "timm.optim.Lamb": "clips the gradient of all parameters to norm 1 first, and adapts only tensors that decay",
        "optax.lamb": "the same, without weight decay by default",
    },
    evidence=(
        "Adam, as carefully tuned, matches or exceeds it at its own large batches (Nado et al. 2021, arXiv:2102.06356)."
    ),
    source="You et al. 2020, arXiv:1904.00962; search ranges: AlgoPerf baselines, arXiv:2306.07179, beta2 ours",
    class_name="LAMB",
)
def lamb(
    grad: Tensor,
    exp_avg: Tensor,
    exp_avg_sq: Tensor,
    param: Tensor,
    *,
    t: Any,
    lr: NonNegative = 1e-3,
    beta1: UnitOpen = 0.9,
    beta2: UnitOpen = 0.999,
    eps: Positive = 1e-6,
    weight_decay: NonNegative = 1e-2,
) -> tuple[Tensor, Tensor, Tensor]:
    """Where the tensor or its step is all zeros, the step is Adam's."""
    exp_avg = torch.lerp(exp_avg, grad, 1 - beta1)
    exp_avg_sq = torch.addcmul(beta2 * exp_avg_sq, (1 - beta2) * grad, grad)
    denominator = exp_avg_sq.sqrt() / (1 - beta2**t) ** 0.5 + eps
    along = exp_avg / (1 - beta1**t) / denominator + weight_decay * param
    return lr * (trust_ratio(norm(param), norm(along)) * along), exp_avg, exp_avg_sq
