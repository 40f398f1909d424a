"""L2 penalty, or coupled weight decay: enters the gradient, and is scaled by the rule as the gradient is."""

from __future__ import annotations

from torch import Tensor

from steepest.core.domains import Log, NonNegative
from steepest.core.transform import transform


@transform(
    acts_on="gradient",
    formula="g + weight_decay * w",
    search={"weight_decay": Log(1e-6, 1e-2)},
    use="SGD and its kin, where it is the same as shrinking the weights.",
    avoid="Adam and its kin: weights with large gradients are hardly decayed. decoupled_decay is meant for them.",
    source="Krogh & Hertz 1991; what it does under Adam: Loshchilov & Hutter 2019, arXiv:1711.05101",
    decays=True,
)
def l2(grad: Tensor, param: Tensor, *, weight_decay: NonNegative = 1e-4) -> Tensor:
    """The gradient of weight_decay / 2 * |w|^2 is added."""
    return grad + weight_decay * param
