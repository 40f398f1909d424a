"""Lion: only the sign of the momentum moves a weight, so every weight moves by the learning rate, with one state."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import ignores_gradient_scale, rests_at_zero_gradient, step_at_most_lr
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, UnitOpen


def slow(grad: float, exp_avg: float, *, t: float, lr: float, beta1: float, beta2: float) -> tuple[float, float]:
    """Algorithm 2 of the paper for one weight."""
    ahead = beta1 * exp_avg + (1 - beta1) * grad
    return (lr if ahead > 0 else -lr if ahead < 0 else 0.0), beta2 * exp_avg + (1 - beta2) * grad


@rule(
    formula="lr * sign(beta1 * m + (1 - beta1) * g)",
    slow=slow,
    decay="decoupled",
    claims=[rests_at_zero_gradient, step_at_most_lr(1.0), ignores_gradient_scale],
    search={"lr": Log(1e-5, 2e-3), "beta1": Log1m(2e-2, 5e-1), "beta2": Log1m(1e-3, 5e-2)},
    use="Large models and batches where memory is short: half of Adam's state. Rates 3 to 10 times below AdamW's.",
    avoid="Small batches: the sign of a noisy gradient is noise of full size.",
    differs={
        "optax.lion": "the same; weight_decay 1e-3 by default",
        "lion_pytorch.Lion": "the same; decoupled_weight_decay divides the decay by the first learning rate",
    },
    evidence=(
        "On language models of 150M to 1.2B parameters as good as Adam, Adafactor and Signum at their best learning "
        "rates (Zhao et al. 2024, arXiv:2407.07972)."
    ),
    source="Chen et al. 2023, arXiv:2302.06675; search range of lr: the paper's advice on AdamW's, others ours",
)
def lion(
    grad: Tensor, exp_avg: Tensor, *, t: Any, lr: NonNegative = 1e-4, beta1: UnitOpen = 0.9, beta2: UnitOpen = 0.99
) -> tuple[Tensor, Tensor]:
    """The step looks at the gradient through beta1, the momentum remembers it through beta2."""
    ahead = torch.lerp(exp_avg, grad, 1 - beta1)
    return lr * ahead.sign(), torch.lerp(exp_avg, grad, 1 - beta2)
