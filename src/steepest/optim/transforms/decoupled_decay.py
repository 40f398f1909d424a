"""Decoupled weight decay: every weight shrinks by the same share per step, whatever the rule does to the gradient."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from steepest.core.domains import Log, NonNegative
from steepest.core.transform import transform


@transform(
    acts_on="step",
    formula="step + lr * weight_decay * w",
    search={"weight_decay": Log(5e-3, 1.0)},
    use="Rules whose own decay is an L2 penalty, or that have none.",
    avoid="The rule decays like this already: then set its weight_decay.",
    source="Loshchilov & Hutter 2019, arXiv:1711.05101",
    decays=True,
)
def decoupled_decay(step: Tensor, param: Tensor, *, lr: Any, weight_decay: NonNegative = 1e-2) -> Tensor:
    """lr * weight_decay of the weight, as it was before the step, is subtracted too."""
    return step + lr * weight_decay * param
