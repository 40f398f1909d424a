"""Logit-adjusted cross-entropy: the logits get tau times the logarithm of the class frequency, so that they need not hold it."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, nonnegative, rewards_true_class, shift_invariant
from steepest.core.declare import loss
from steepest.core.domains import ClassCounts, Linear, Positive
from steepest.core.logits import along_classes, beside, surprise
from steepest.core.targets import Classes, classes


@loss(
    formula="log(Sum(class_counts[j]**tau*exp(x[j]), (j, 0, C - 1))) - x[y] - tau*log(class_counts[y])",
    target=classes,
    expects="logits",
    claims=[nonnegative, convex, shift_invariant, rewards_true_class, bounded_gradient(1)],
    search={"tau": Linear(0.25, 2)},
    task="classification",
    use="Imbalance, when all classes count alike in the end (balanced accuracy); predict by the plain logits. tau 1 is balanced_softmax.",
    avoid="Plain accuracy on data as imbalanced as the training part: it trades frequent classes for rare ones; "
    "cross_entropy.",
    source="Menon et al. 2021, Long-tail learning via logit adjustment, arXiv:2007.07314",
)
def logit_adjusted(input: Tensor, target: Classes, *, class_counts: ClassCounts, tau: Positive = 1.0) -> Tensor:
    """Logits (N, C, *), classes (N, *) -> (N, *). Unit: nats. class_counts (C,): how many training samples each class has."""
    prior = along_classes(beside("logit_adjusted", "class_counts", class_counts, input).log(), input)
    below = input - input.amax(1, keepdim=True).detach()  # what is added must not be rounded to units of a large logit
    return target.expect(surprise(below + tau * prior))
