"""Log-cosh: squared error near the target and absolute error far from it, with no corner and nothing to tune."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, minimum_at_target, nonnegative, symmetric, zero_at_target
from steepest.core.declare import loss
from steepest.core.targets import same_as_input

NEAR = 4.0
"""Up to here log1p(2 sinh(d/2)^2) loses no digit; beyond it |d| - log 2 is the greater part and cannot overflow."""


@loss(
    formula="log(cosh(x - y))",
    target=same_as_input,
    claims=[nonnegative, zero_at_target, minimum_at_target, convex, symmetric, bounded_gradient(1.0)],
    task="regression",
    good_for=["anything", "outliers"],
    use="Regression with some outliers where Huber's delta is not known; targets scaled to about 1.",
    avoid="Targets on another scale than 1: far below it is mse/2, far above it is l1, and there is no knob; then "
    "huber.",
    differs={
        "keras.losses.LogCosh": "the same values, meant over the last axis first",
        "optax.log_cosh": "the same values, without a reduction",
    },
    source="Keras, keras.losses.LogCosh; Saleh & Saleh 2022, arXiv:2208.04564",
)
def log_cosh(input: Tensor, target: Tensor) -> Tensor:
    """Element-wise: (N, *), (N, *) -> (N, *). Unit: the target's, squared when small."""
    d = (input - target).abs()
    near = (2 * (d.clamp(max=NEAR) / 2).sinh().square()).log1p()
    far = d.clamp(min=NEAR)
    return torch.where(d <= NEAR, near, far + (-2 * far).exp().log1p() - math.log(2))
