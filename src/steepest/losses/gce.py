"""Generalised cross-entropy: (1 - p^q)/q, between cross-entropy (q near 0) and 1 - p (q = 1), which forgives wrong labels."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import bounded, bounded_gradient, nonnegative, rewards_true_class, shift_invariant
from steepest.core.declare import loss
from steepest.core.domains import Linear, UnitPositive
from steepest.core.logits import shortfall, surprise
from steepest.core.targets import Classes, classes


@loss(
    formula="(1 - (exp(x[y])/Sum(exp(x[j]), (j, 0, C - 1)))**q)/q",
    target=classes,
    expects="logits",
    claims=[nonnegative, shift_invariant, rewards_true_class, bounded("1/q"), bounded_gradient(1)],
    search={"q": Linear(0.1, 0.9)},
    task="classification",
    use="Labels of which some are wrong: no sample costs more than 1/q. With many classes it starts slowly.",
    avoid="Clean labels, above all with many classes: its slope is p^q times that of cross_entropy, next to nothing "
    "for an untrained model.",
    differs={
        "keras.losses.CategoricalGeneralizedCrossEntropy": "takes probabilities; q is 0.5 by default, ours 0.7",
    },
    source="Zhang & Sabuncu 2018, arXiv:1805.07836",
    class_name="GCE",
)
def gce(input: Tensor, target: Classes, *, q: UnitPositive = 0.7) -> Tensor:
    """Logits (N, C, *), classes (N, *) -> (N, *)."""
    return target.expect(shortfall(q * surprise(input)) / q)
