"""Poly-1: cross-entropy plus epsilon (1 - p), which re-weighs the first term of its expansion in 1 - p."""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from steepest.core.claims import bounded_gradient, nonnegative, rewards_true_class, shift_invariant
from steepest.core.declare import loss
from steepest.core.domains import Interval, Linear
from steepest.core.logits import shortfall, surprise
from steepest.core.targets import Classes, classes

AboveMinusOne = Annotated[float | Tensor, Interval(low=-1.0, open_low=True)]


@loss(
    formula="log(Sum(exp(x[j]), (j, 0, C - 1))) - x[y] + epsilon*(1 - exp(x[y])/Sum(exp(x[j]), (j, 0, C - 1)))",
    target=classes,
    expects="logits",
    claims=[nonnegative, shift_invariant, rewards_true_class, bounded_gradient("1 + Max(0, epsilon)")],
    search={"epsilon": Linear(-0.9, 5)},
    task="classification",
    good_for=["anything", "imbalanced"],
    use="Cross-entropy with one knob: above 0 for models that stay too timid, below 0 for strong imbalance; 0 is cross-entropy.",
    avoid="Honest probabilities: with epsilon other than 0 the true distribution is not its optimum. Nothing to be "
    "tuned: squentropy.",
    differs={
        "optax.poly_loss_cross_entropy": "epsilon is 2 by default, ours 1",
        "timm PolyCrossEntropy": "epsilon is 2 by default, ours 1",
    },
    source="Leng et al. 2022, PolyLoss, arXiv:2204.12511",
)
def poly(input: Tensor, target: Classes, *, epsilon: AboveMinusOne = 1.0) -> Tensor:
    """Logits (N, C, *), classes (N, *) -> (N, *). Unit: nats."""
    nats = surprise(input)
    return target.expect(nats + epsilon * shortfall(nats))
