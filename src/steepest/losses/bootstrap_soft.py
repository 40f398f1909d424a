"""Soft bootstrap: cross-entropy against a mixture of the label and the model's own probabilities, which may overrule it."""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from steepest.core.claims import nonnegative, shift_invariant
from steepest.core.declare import loss
from steepest.core.domains import Interval, Linear
from steepest.core.logits import surprise
from steepest.core.targets import Classes, classes

Trust = Annotated[float | Tensor, Interval(0.5, 1.0)]


@loss(
    formula="log(Sum(exp(x[j]), (j, 0, C - 1))) - beta*x[y]"
    " - (1 - beta)*Sum(x[j]*exp(x[j]), (j, 0, C - 1))/Sum(exp(x[j]), (j, 0, C - 1))",
    target=classes,
    expects="logits",
    claims=[nonnegative, shift_invariant],
    search={"beta": Linear(0.6, 1)},
    task="classification",
    use="Labels of which some are wrong, once the model is better than chance; beta is the trust in the label, 1 is cross-entropy.",
    avoid="The first epochs: an untrained model confirms itself. Honest probabilities: its second term rewards being "
    "sure.",
    source="Reed et al. 2014, Training deep neural networks on noisy labels with bootstrapping, arXiv:1412.6596",
)
def bootstrap_soft(input: Tensor, target: Classes, *, beta: Trust = 0.95) -> Tensor:
    """Logits (N, C, *), classes (N, *) -> (N, *). Unit: nats. The gradient goes through both places of the probabilities."""
    nats = surprise(input)
    entropy = ((-nats).exp() * nats).sum(1, keepdim=True)
    return target.expect(beta * nats + (1 - beta) * entropy)
