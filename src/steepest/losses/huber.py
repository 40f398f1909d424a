"""Huber: squared error up to delta, then linear, so one outlier cannot steer the fit."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, minimum_at_target, nonnegative, symmetric, zero_at_target
from steepest.core.declare import loss
from steepest.core.domains import Log, Positive
from steepest.core.targets import same_as_input


@loss(
    formula="Piecewise(((x - y)**2/2, Abs(x - y) <= delta), (delta*(Abs(x - y) - delta/2), True))",
    target=same_as_input,
    claims=[nonnegative, zero_at_target, minimum_at_target, convex, symmetric, bounded_gradient("delta")],
    equals="torch.nn.HuberLoss",
    search={"delta": Log(0.1, 10)},
    task="regression",
    good_for=["anything", "outliers"],
    use="Regression with some outliers: exact like MSE near the target, calm like L1 far from it.",
    few_roundings=True,
    avoid="Skewed targets whose mean is wanted: mse. Targets on an unknown scale, as delta is in their unit: "
    "log_cosh after scaling.",
    differs={
        "torch.nn.functional.huber_loss": "with weight= it divides by the number of items, ours by the sum of the "
        "weights; the class takes no weight",
        "torch.nn.SmoothL1Loss": "huber with delta = beta, divided by beta",
    },
    source="Huber 1964, doi:10.1214/aoms/1177703732",
)
def huber(input: Tensor, target: Tensor, *, delta: Positive = 1.0) -> Tensor:
    """Element-wise: (N, *), (N, *) -> (N, *). Unit: the target's, squared."""
    r = input - target
    inside = r.clamp(-delta, delta)  # type: ignore[arg-type]
    return inside * (r - inside / 2)
