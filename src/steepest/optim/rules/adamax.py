"""Adamax: Adam with the largest recent gradient in place of the root mean square, so no step outgrows the rate."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient, step_at_most_lr
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, Positive, UnitOpen


@rule(
    formula="lr / (1 - beta1**t) * m / u",
    decay="coupled",
    equals="torch.optim.Adamax",
    claims=[rests_at_zero_gradient, step_at_most_lr(1.0)],
    search={"lr": Log(1e-4, 2e-2), "beta1": Log1m(2e-2, 5e-1), "beta2": Log1m(1e-3, 5e-2)},
    use="Gradients with rare large values, such as those of embeddings: one outlier bounds the steps that follow.",
    avoid="As a first choice: nothing measured puts it before adamw.",
    differs={"Kingma & Ba 2015": "no eps there; torch, optax and we add it to the size of each gradient"},
    source="Kingma & Ba 2015, section 7.1, arXiv:1412.6980; search ranges: ours",
)
def adamax(
    grad: Tensor,
    exp_avg: Tensor,
    exp_inf: Tensor,
    *,
    t: Any,
    lr: NonNegative = 2e-3,
    beta1: UnitOpen = 0.9,
    beta2: UnitOpen = 0.999,
    eps: Positive = 1e-8,
) -> tuple[Tensor, Tensor, Tensor]:
    """u: the largest |gradient| + eps so far, each times beta2 per step of age; m: the mean gradient."""
    exp_avg = torch.lerp(exp_avg, grad, 1 - beta1)
    exp_inf = torch.maximum(beta2 * exp_inf, grad.abs() + eps)
    return lr / (1 - beta1**t) * exp_avg / exp_inf, exp_avg, exp_inf
