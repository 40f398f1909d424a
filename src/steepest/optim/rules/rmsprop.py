"""RMSprop: gradients divided by the root of their recent mean square, with momentum if asked."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient, step_at_most_lr
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, Positive, UnitOpen


@rule(
    formula="lr * (momentum * b + g / (sqrt(v) + eps))",
    decay="coupled",
    equals="torch.optim.RMSprop",
    claims=[rests_at_zero_gradient, step_at_most_lr(10.0)],
    search={"lr": Log(1e-4, 1e-1), "alpha": Log1m(1e-3, 3e-1), "momentum": Log1m(5e-3, 3e-1)},
    only_with={"momentum_buffer": "momentum"},
    use="Recurrent networks and reinforcement learning, where it is the custom; Adam corrects its large first steps.",
    avoid="A start that must be gentle: the first step is 1 / sqrt(1 - alpha) learning rates long.",
    differs={
        "optax.rmsprop": "decay 0.9; eps inside the root, and the learning rate inside the momentum",
        "keras.optimizers.RMSprop": "rho 0.9, eps 1e-7 inside the root",
        "tf.train.RMSPropOptimizer": "eps inside the root, mean squares that start at 1 (timm.optim.RMSpropTF)",
    },
    evidence=(
        "Tuned, adaptive rules never fell behind momentum, which this one can imitate with a large eps (Choi "
        "et al. 2019, arXiv:1910.05446)."
    ),
    source="Tieleman & Hinton 2012, Coursera lecture 6.5; Graves 2013, arXiv:1308.0850; search ranges: ours",
    class_name="RMSprop",
)
def rmsprop(
    grad: Tensor,
    square_avg: Tensor,
    momentum_buffer: Tensor,
    *,
    t: Any,
    lr: NonNegative = 1e-2,
    alpha: UnitOpen = 0.99,
    eps: Positive = 1e-8,
    momentum: UnitOpen = 0.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """The mean square starts at zero, uncorrected: the first step is 1 / sqrt(1 - alpha) learning rates long."""
    square_avg = torch.addcmul(alpha * square_avg, (1 - alpha) * grad, grad)
    momentum_buffer = momentum * momentum_buffer + grad / (square_avg.sqrt() + eps)
    return lr * momentum_buffer, square_avg, momentum_buffer
