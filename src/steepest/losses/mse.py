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
    few_roundings=True,
    avoid="Targets with outliers: one error of 100 costs as much as 10,000 errors of 1; then huber or l1. Class "
    "labels: cross_entropy.",
    differs={
        "torch.nn.MSELoss": "takes no weight; the function mse_loss does, and divides by the sum of the weights, as "
        "we do",
        "optax.l2_loss": "half of it; optax.squared_error is the same",
        "keras.losses.MeanSquaredError": "means over the last axis first; with sample_weight the mean still divides "
        "by the number of samples",
    },
    source="Legendre 1805, Nouvelles methodes pour la determination des orbites des cometes; Gauss 1809, Theoria motus",
    class_name="MSE",
)
def mse(input: Tensor, target: Tensor) -> Tensor:
    """Element-wise: (N, *), (N, *) -> (N, *). Unit: the target's, squared."""
    r = input - target
    return r * r
