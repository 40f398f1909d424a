"""Quantile (pinball): too low costs tau, too high 1 - tau, so the best constant prediction is the tau-quantile."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, minimum_at_target, nonnegative, symmetric, zero_at_target
from steepest.core.declare import loss
from steepest.core.domains import Linear, UnitInside
from steepest.core.targets import same_as_input


@loss(
    formula="Piecewise((tau*(y - x), y > x), ((1 - tau)*(x - y), y < x), (0, True))",
    target=same_as_input,
    claims=[
        nonnegative,
        zero_at_target,
        minimum_at_target,
        convex,
        symmetric.at(tau=0.5),
        bounded_gradient("Max(tau, 1 - tau)"),
    ],
    search={"tau": Linear(0.05, 0.95)},
    task="regression",
    use="Prediction intervals (tau 0.05 and 0.95), or when too little costs more than too much; tau 0.5 is half of l1.",
    few_roundings=True,
    avoid="Only the middle is wanted: l1 or huber. Several quantiles fitted one by one may cross each other.",
    differs={
        "sklearn.metrics.mean_pinball_loss": "the same, alpha being tau",
    },
    source="Koenker & Bassett 1978, doi:10.2307/1913643",
)
def quantile(input: Tensor, target: Tensor, *, tau: UnitInside = 0.5) -> Tensor:
    """Element-wise: (N, *), (N, *) -> (N, *). Unit: the target's. tau: a number, or a tensor with one per entry of the last axis.

    The gradient at the target itself is 0.
    """
    d = target - input
    return tau * d.relu() + (1 - tau) * (-d).relu()
