"""Balanced softmax: cross-entropy whose softmax counts every class as often as it occurs, so that rare ones are not outvoted."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, nonnegative, rewards_true_class, shift_invariant
from steepest.core.declare import loss
from steepest.core.domains import ClassCounts
from steepest.core.logits import along_classes, beside, surprise
from steepest.core.targets import Classes, classes


@loss(
    formula="log(Sum(class_counts[j]*exp(x[j]), (j, 0, C - 1))) - x[y] - log(class_counts[y])",
    target=classes,
    expects="logits",
    claims=[nonnegative, convex, shift_invariant, rewards_true_class, bounded_gradient(1)],
    task="classification",
    use="Imbalance, when all classes count alike in the end (balanced accuracy); nothing to tune; predict by the plain logits.",
    avoid="Plain accuracy on data as imbalanced as the training part: it trades frequent classes for rare ones; "
    "cross_entropy.",
    source="Ren et al. 2020, Balanced meta-softmax for long-tailed visual recognition, arXiv:2007.10740",
)
def balanced_softmax(input: Tensor, target: Classes, *, class_counts: ClassCounts) -> Tensor:
    """Logits (N, C, *), classes (N, *) -> (N, *). Unit: nats. class_counts (C,): how many training samples each class has."""
    prior = along_classes(beside("balanced_softmax", "class_counts", class_counts, input).log(), input)
    below = input - input.amax(1, keepdim=True).detach()  # what is added must not be rounded to units of a large logit
    return target.expect(surprise(below + prior))
