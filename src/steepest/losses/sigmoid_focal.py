"""Sigmoid focal: binary cross-entropy times (1 - p)^gamma of the right answer, for rare labels among very many."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import bounded_gradient, nonnegative
from steepest.core.declare import loss
from steepest.core.domains import Linear, NonNegative, UnitInside
from steepest.core.logits import missing, softplus
from steepest.core.targets import binary


@loss(
    formula="alpha*y*(1/(1 + exp(x)))**gamma*log(1 + exp(-x)) + (1 - alpha)*(1 - y)*(1/(1 + exp(-x)))**gamma*log(1 + exp(x))",
    target=binary,
    expects="logits",
    claims=[nonnegative, bounded_gradient("1 + gamma*exp(-1)")],
    search={"gamma": Linear(0, 5), "alpha": Linear(0.1, 0.9)},
    task="binary",
    good_for=["anything", "imbalanced"],
    use="Detection: few positives among very many easy negatives. alpha weighs label 1, 1 - alpha label 0; 0.5 weighs both alike.",
    source="Lin et al. 2017, arXiv:1708.02002",
)
def sigmoid_focal(input: Tensor, target: Tensor, *, gamma: NonNegative = 2.0, alpha: UnitInside = 0.25) -> Tensor:
    """Logits (N, *), labels in [0, 1] (N, *) -> (N, *). Unit: nats. Soft labels: the mean over hard ones, unlike torchvision's.

    alpha = 0.5 is half of the loss without alpha.
    """
    one, zero = softplus(-input), softplus(input)
    return alpha * target * missing(one) ** gamma * one + (1 - alpha) * (1 - target) * missing(zero) ** gamma * zero
