"""Focal: cross-entropy times (1 - p)^gamma, so that what is already right stops drowning what is still wrong."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import bounded_gradient, nonnegative, rewards_true_class, shift_invariant
from steepest.core.declare import loss
from steepest.core.domains import Linear, NonNegative
from steepest.core.logits import missing, surprise
from steepest.core.targets import Classes, classes


@loss(
    formula="(1 - exp(x[y])/Sum(exp(x[j]), (j, 0, C - 1)))**gamma*(log(Sum(exp(x[j]), (j, 0, C - 1))) - x[y])",
    target=classes,
    expects="logits",
    claims=[nonnegative, shift_invariant, rewards_true_class, bounded_gradient("1 + gamma*exp(-1)")],
    search={"gamma": Linear(0, 5)},
    task="classification",
    good_for=["anything", "imbalanced"],
    use="Strong imbalance or many easy samples; its probabilities are too timid and want calibration. alpha is class_weight.",
    source="Lin et al. 2017, arXiv:1708.02002",
)
def focal(input: Tensor, target: Classes, *, gamma: NonNegative = 2.0) -> Tensor:
    """Logits (N, C, *), classes (N, *) -> (N, *). Unit: nats. gamma = 0 is cross-entropy."""
    nats = surprise(input)
    return target.expect(missing(nats) ** gamma * nats)
