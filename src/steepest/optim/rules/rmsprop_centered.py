"""Centred RMSprop: gradients divided by their recent spread about their mean: steady directions take long steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, Positive, UnitOpen


@rule(
    formula="lr * (momentum * b + g / (sqrt(v - m**2) + eps))",
    decay="coupled",
    equals="torch.optim.RMSprop",
    equals_with={"centered": True},
    claims=[rests_at_zero_gradient],
    search={"lr": Log(1e-5, 1e-2), "alpha": Log1m(1e-3, 3e-1), "momentum": Log1m(5e-3, 3e-1)},
    only_with={"momentum_buffer": "momentum"},
    use="To repeat Graves's work on sequences and early deep reinforcement learning.",
    avoid="Gradients that hardly change: their spread goes to 0 and the step to lr / eps times the gradient.",
    differs={"torch.optim.RMSprop(centered=True)": "NaN where rounding leaves v - m**2 below 0; we take 0"},
    source="Graves 2013, arXiv:1308.0850; search ranges: ours",
    class_name="RMSpropCentered",
)
def rmsprop_centered(
    grad: Tensor,
    square_avg: Tensor,
    grad_avg: Tensor,
    momentum_buffer: Tensor,
    *,
    t: Any,
    lr: NonNegative = 1e-2,
    alpha: UnitOpen = 0.99,
    eps: Positive = 1e-8,
    momentum: UnitOpen = 0.0,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """v and m: running means of the squared gradient and of the gradient, both from zero and uncorrected."""
    square_avg = torch.addcmul(alpha * square_avg, (1 - alpha) * grad, grad)
    grad_avg = torch.lerp(grad_avg, grad, 1 - alpha)
    spread = torch.clamp(square_avg - grad_avg * grad_avg, min=0).sqrt()
    momentum_buffer = momentum * momentum_buffer + grad / (spread + eps)
    return lr * momentum_buffer, square_avg, grad_avg, momentum_buffer
