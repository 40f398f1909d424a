"""Smooth L1: the absolute difference with its corner rounded off within beta of the target."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, minimum_at_target, nonnegative, symmetric, zero_at_target
from steepest.core.declare import loss
from steepest.core.domains import Log, Positive
from steepest.core.targets import same_as_input


@loss(
    formula="Piecewise(((x - y)**2/(2*beta), Abs(x - y) <= beta), (Abs(x - y) - beta/2, True))",
    target=same_as_input,
    claims=[nonnegative, zero_at_target, minimum_at_target, convex, symmetric, bounded_gradient(1)],
    equals="torch.nn.SmoothL1Loss",
    search={"beta": Log(0.01, 10)},
    task="regression",
    use="Box coordinates and other regression where L1's constant slope is wanted far from the target; it is huber / beta.",
    few_roundings=True,
    avoid="Comparing several beta: its curvature near the target is 1/beta and asks for another learning rate each "
    "time; huber's stays 1.",
    differs={
        "torch.nn.SmoothL1Loss": "also takes beta = 0, which is l1",
        "keras.losses.Huber": "is not this one but huber, delta times as large",
    },
    source="Girshick 2015, Fast R-CNN, arXiv:1504.08083",
    class_name="SmoothL1",
)
def smooth_l1(input: Tensor, target: Tensor, *, beta: Positive = 1.0) -> Tensor:
    """Element-wise: (N, *), (N, *) -> (N, *). Unit: the target's."""
    r = input - target
    inside = r.clamp(-beta, beta)  # type: ignore[arg-type]
    return inside / beta * (r - inside / 2)
