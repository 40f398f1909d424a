"""Expectile: squared error that weighs too low by tau and too high by 1 - tau, the smooth relative of the quantile loss."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import convex, minimum_at_target, nonnegative, symmetric, zero_at_target
from steepest.core.declare import loss
from steepest.core.domains import Linear, UnitInside
from steepest.core.targets import same_as_input


@loss(
    formula="Piecewise((tau*(y - x)**2, y > x), ((1 - tau)*(x - y)**2, True))",
    target=same_as_input,
    claims=[nonnegative, zero_at_target, minimum_at_target, convex, symmetric.at(tau=0.5)],
    search={"tau": Linear(0.05, 0.95)},
    task="regression",
    use="When too little and too much cost differently and large errors are really worse; tau 0.5 is half of mse.",
    few_roundings=True,
    avoid="Intervals with a stated coverage: quantile. Outliers, since squares follow them: quantile.",
    source="Newey & Powell 1987, Asymmetric least squares estimation and testing, Econometrica 55",
)
def expectile(input: Tensor, target: Tensor, *, tau: UnitInside = 0.5) -> Tensor:
    """Element-wise: (N, *), (N, *) -> (N, *). Unit: the target's, squared. tau: a number, or one per entry of the last axis."""
    d = target - input
    return tau * d.relu().square() + (1 - tau) * (-d).relu().square()
