"""Cautious weight decay: only weights whose step goes towards zero anyway are decayed."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from steepest.core.domains import Log, NonNegative
from steepest.core.transform import transform


@transform(
    acts_on="step",
    formula="step + lr * weight_decay * w * [step * w >= 0]",
    search={"weight_decay": Log(5e-3, 1.0)},
    use="In the place of decoupled decay, with the same number: the loss that is minimised is the one that was meant.",
    avoid="Small weights are wanted for their own sake: half of them are not decayed at a time.",
    source="Chen et al. 2025, arXiv:2510.12402",
    decays=True,
)
def cautious_decay(step: Tensor, param: Tensor, *, lr: Any, weight_decay: NonNegative = 1e-2) -> Tensor:
    """A weight decays where subtracting the step brings it nearer to zero, or the step is 0."""
    agrees = (step * param >= 0).to(step.dtype)
    return step + lr * weight_decay * param * agrees
