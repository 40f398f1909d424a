"""MSE: the squared difference, whose best constant prediction is the mean of the targets."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import convex, minimum_at_target, nonnegative, symmetric, zero_at_target
from steepest.core.declare import loss
from steepest.core.targets import same_as_input


@loss(
    formula="(x - y)**2",
    target=same_as_input,
    claims=[nonnegative, zero_at_target, minimum_at_target, convex, symmetric],
    equals="torch.nn.MSELoss",
    task="regression",
    good_for=["default"],
    use="The default for regression when large errors are really worse and the targets hold no outliers.",
    source="Legendre 1805, Nouvelles methodes pour la determination des orbites des cometes; Gauss 1809, Theoria motus",
    class_name="MSE",
)
def mse(input: Tensor, target: Tensor) -> Tensor:
    """Element-wise: (N, *), (N, *) -> (N, *). Unit: the target's, squared."""
    r = input - target
    return r * r
