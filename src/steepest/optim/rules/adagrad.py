"""Adagrad: parameters whose gradients have been small or rare take larger steps, and all steps shrink with time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient, step_at_most_lr
from steepest.core.declare import rule
from steepest.core.domains import Log, NonNegative, Positive


@rule(
    formula="lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)",
    decay="coupled",
    equals="torch.optim.Adagrad",
    claims=[rests_at_zero_gradient, step_at_most_lr(1.0)],
    search={"lr": Log(1e-3, 1.0)},
    initial={"sum": "initial_accumulator_value"},
    use="Sparse features, such as counts of words, and convex problems; its steps vanish in long training.",
    avoid="Long training of networks: the sum only grows, and the steps die out before the loss has.",
    differs={"optax.adagrad": "initial_accumulator_value 0.1, eps 1e-7 inside the root"},
    source="Duchi, Hazan & Singer 2011, jmlr.org/papers/v12/duchi11a.html; search range: ours",
)
def adagrad(
    grad: Tensor,
    sum: Tensor,
    *,
    t: Any,
    lr: NonNegative = 1e-2,
    lr_decay: NonNegative = 0.0,
    initial_accumulator_value: NonNegative = 0.0,
    eps: Positive = 1e-10,
) -> tuple[Tensor, Tensor]:
    """sum holds the squared gradients of all steps, from initial_accumulator_value on; that softens the first steps."""
    sum = torch.addcmul(sum, grad, grad)
    return lr / (1 + (t - 1) * lr_decay) * grad / (sum.sqrt() + eps), sum
