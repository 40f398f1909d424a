"""Symmetric MAPE: the absolute difference as a share of the mean of prediction and target, between 0 and 2."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.claims import bounded, minimum_at_target, nonnegative, symmetric, zero_at_target
from steepest.core.declare import loss
from steepest.core.targets import same_as_input


@loss(
    formula="Piecewise((2*Abs(x - y)/(Abs(x) + Abs(y)), x*y > 0), (0, Eq(x, y)), (2, True))",
    target=same_as_input,
    claims=[nonnegative, zero_at_target, minimum_at_target, symmetric, bounded(2)],
    task="regression",
    use="Relative error with targets that come near 0; a prediction of the wrong sign costs 2 and teaches nothing, so start near.",
    few_roundings=True,
    avoid="A model that starts with the wrong sign or far off, where it costs 2 and teaches nothing: begin with l1, "
    "or take msle.",
    source="Makridakis 1993, Accuracy measures: theoretical and practical concerns, International Journal of Forecasting 9",
    class_name="SMAPE",
)
def smape(input: Tensor, target: Tensor) -> Tensor:
    """Element-wise: (N, *), (N, *) -> (N, *). A share, not percent: 0.1 is 10 %."""
    x, y = input.abs(), target.abs()
    agree = input.sign() * target.sign() > 0
    size = torch.where(agree, x + y, 1.0)
    value = torch.where(agree, 2 * (input - target).abs() / size, torch.where(input == target, 0.0, 2.0))
    # The same but for a constant; its slope does not subtract 2/size from nearly itself when x is far above y.
    steep = torch.where(agree, -4 * torch.minimum(x, y) / size, 0.0)
    return value.detach() + (steep - steep.detach())
