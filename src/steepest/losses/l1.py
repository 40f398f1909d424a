"""L1: the absolute difference, whose best constant prediction is the median, so outliers have no more say than others."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, minimum_at_target, nonnegative, symmetric, zero_at_target
from steepest.core.declare import loss
from steepest.core.targets import same_as_input


@loss(
    formula="Abs(x - y)",
    target=same_as_input,
    claims=[nonnegative, zero_at_target, minimum_at_target, convex, symmetric, bounded_gradient(1)],
    equals="torch.nn.L1Loss",
    task="regression",
    good_for=["anything", "outliers"],
    use="Regression with many outliers, or where the typical error counts rather than the worst.",
    few_roundings=True,
    avoid="Totals and other means: its best constant is the median. Its slope does not shrink near the target, so "
    "the learning rate has to.",
    differs={
        "torch.nn.L1Loss": "takes no weight; the function l1_loss does, and divides by the sum of the weights, as we "
        "do",
    },
    source="Laplace 1774, Memoire sur la probabilite des causes par les evenements; Koenker & Bassett 1978, doi:10.2307/1913643",
    class_name="L1",
)
def l1(input: Tensor, target: Tensor) -> Tensor:
    """Element-wise: (N, *), (N, *) -> (N, *). Unit: the target's. The gradient at the target itself is 0."""
    return (input - target).abs()
