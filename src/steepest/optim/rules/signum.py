"""Signum: SGD with momentum of which only the sign is taken, so every weight moves by the learning rate."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import ignores_gradient_scale, rests_at_zero_gradient, step_at_most_lr
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, UnitOpen


def slow(grad: float, exp_avg: float, *, t: float, lr: float, momentum: float) -> tuple[float, float]:
    """Algorithm 2 of the paper for one weight."""
    new = momentum * exp_avg + (1 - momentum) * grad
    return (lr if new > 0 else -lr if new < 0 else 0.0), new


@rule(
    formula="lr * sign(m)",
    slow=slow,
    decay="decoupled",
    claims=[rests_at_zero_gradient, step_at_most_lr(1.0), ignores_gradient_scale],
    search={"lr": Log(1e-5, 2e-3), "momentum": Log1m(5e-3, 3e-1)},
    use="Large batches and little memory; the plainest of the sign rules, within noise of Adam on language models.",
    avoid="Small batches: the sign of a noisy gradient is noise of full size.",
    differs={
        "optax.sign_sgd": "no momentum: it is signum with momentum 0",
        "pytorch_optimizer.SignSGD": "the same; weight decay coupled or decoupled",
    },
    evidence=(
        "On language models of 150M to 1.2B parameters as good as Adam, Adafactor and Lion at their best learning "
        "rates, and as insensitive to them (Zhao et al. 2024, arXiv:2407.07972)."
    ),
    source="Bernstein et al. 2018, arXiv:1802.04434; search ranges as lion",
)
def signum(
    grad: Tensor, exp_avg: Tensor, *, t: Any, lr: NonNegative = 1e-4, momentum: UnitOpen = 0.9
) -> tuple[Tensor, Tensor]:
    """m: the running mean of the gradient; where it is exactly 0 the weight rests."""
    exp_avg = torch.lerp(exp_avg, grad, 1 - momentum)
    return lr * exp_avg.sign(), exp_avg
