"""Symmetric cross-entropy: cross-entropy plus its reverse, in which the label takes the place of the prediction."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import bounded_gradient, nonnegative, rewards_true_class, shift_invariant
from steepest.core.declare import loss
from steepest.core.domains import Log, Positive
from steepest.core.logits import shortfall, surprise
from steepest.core.targets import Classes, classes


@loss(
    formula="alpha*(log(Sum(exp(x[j]), (j, 0, C - 1))) - x[y])"
    " + beta*cut*(1 - exp(x[y])/Sum(exp(x[j]), (j, 0, C - 1)))",
    target=classes,
    expects="logits",
    claims=[nonnegative, shift_invariant, rewards_true_class, bounded_gradient("alpha + beta*cut")],
    search={"alpha": Log(0.01, 10), "beta": Log(0.1, 10)},
    task="classification",
    use="Labels of which some are wrong: alpha small lets the reverse part, which forgives, lead; alpha large learns hard classes faster.",
    avoid="Clean labels: the reverse part brings two numbers to tune and no honest probabilities; cross_entropy.",
    source="Wang et al. 2019, Symmetric cross entropy for robust learning with noisy labels, arXiv:1908.06112",
    class_name="SymmetricCE",
)
def symmetric_ce(
    input: Tensor, target: Classes, *, alpha: Positive = 0.1, beta: Positive = 1.0, cut: Positive = 4.0
) -> Tensor:
    """Logits (N, C, *), classes (N, *) -> (N, *). Unit: nats. -cut stands for the logarithm of a label's 0 (the paper's A)."""
    nats = surprise(input)
    return target.expect(alpha * nats + beta * cut * shortfall(nats))
