"""LARS: SGD with momentum whose step on each tensor is a share of the tensor's own length, for very large batches."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, Positive, UnitOpen

from ..wholes import norm


def slow(
    grad: Any,
    momentum_buffer: Any,
    param: Any,
    *,
    t: float,
    lr: float,
    momentum: float,
    trust: float,
    weight_decay: float,
) -> tuple[Any, ...]:
    """Algorithm 1 of the paper for one tensor."""
    size, slope = (param**2).sum() ** 0.5, (grad**2).sum() ** 0.5
    local = trust * size / (slope + weight_decay * size) if size > 0 and slope > 0 else 1.0
    v = momentum * momentum_buffer + lr * local * (grad + weight_decay * param)
    return v, v


@rule(
    formula="b, b = momentum * b + lr * trust * |w| / (|g| + weight_decay * |w|) * (g + weight_decay * w)",
    slow=slow,
    decay="inside",
    looks_at="matrix",
    claims=[rests_at_zero_gradient.at(weight_decay=0)],
    search={"lr": Log(1e-1, 3e1), "momentum": Log1m(5e-3, 3e-1)},
    use="Convolutional networks with batches of thousands: each layer moves by the same share of its weights.",
    avoid="Small batches, and transformers, for which lamb was made.",
    differs={
        "optax.lars": "weight decay joins the gradient before its norm is taken",
        "timm.optim.Lars": "the learning rate outside the momentum; tensors without decay are not adapted",
    },
    evidence=(
        "Nesterov momentum, as carefully tuned, matches or exceeds it at its own large batches (Nado et al. "
        "2021, arXiv:2102.06356)."
    ),
    source="You, Gitman & Ginsburg 2017, arXiv:1708.03888; search ranges: ours",
    class_name="LARS",
)
def lars(
    grad: Tensor,
    momentum_buffer: Tensor,
    param: Tensor,
    *,
    t: Any,
    lr: NonNegative = 1.0,
    momentum: UnitOpen = 0.9,
    trust: Positive = 1e-3,
    weight_decay: NonNegative = 0.0,
) -> tuple[Tensor, Tensor]:
    """The learning rate lies inside the momentum, as in the paper. Weights or a gradient of zeros: plain SGD."""
    size, slope = norm(param), norm(grad)
    both = (size > 0) & (slope > 0)
    local = trust * size / torch.where(both, slope + weight_decay * size, torch.ones_like(size))
    local = torch.where(both, local, torch.ones_like(local))
    momentum_buffer = momentum * momentum_buffer + lr * (local * (grad + weight_decay * param))
    return momentum_buffer, momentum_buffer
