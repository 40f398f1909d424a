"""Corrected weight decay: falls with the square of the learning rate, so that gradients do not grow as it falls."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from steepest.core.domains import Log, NonNegative
from steepest.core.transform import transform


@transform(
    acts_on="step",
    formula="step + lr**2 / peak_lr * weight_decay * w",
    search={"weight_decay": Log(5e-3, 1.0)},
    use="Long runs of networks with normalisation layers whose learning rate falls far.",
    avoid="A constant learning rate: it is decoupled_decay then.",
    source="Defazio 2025, arXiv:2506.02285",
    decays=True,
)
def corrected_decay(step: Tensor, param: Tensor, *, lr: Any, peak_lr: Any, weight_decay: NonNegative = 1e-2) -> Tensor:
    """The decay is weight_decay * lr / peak_lr, on top of the lr that decoupled decay has."""
    return step + lr * (lr / peak_lr) * weight_decay * param
