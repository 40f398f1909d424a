"""Hinge: labels must be right by a margin and then teach nothing more, as in a support vector machine."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, nonnegative
from steepest.core.declare import loss
from steepest.core.domains import Log, Positive
from steepest.core.targets import binary


@loss(
    formula="y*Piecewise(((margin - x)**p, margin - x > 0), (0, True)) + (1 - y)*Piecewise(((margin + x)**p, margin + x > 0), (0, True))",
    target=binary,
    claims=[nonnegative, convex, bounded_gradient(1).at(p=1)],
    search={"margin": Log(0.1, 10)},
    task="binary",
    use="Two classes where only the decision counts, not probabilities; p = 2 is smooth and punishes large mistakes more.",
    avoid="Where a probability or a ranking of sure cases is needed; take bce_with_logits.",
    differs={"keras.losses.SquaredHinge": "is p = 2; labels are 1 and -1, or 0 and 1 turned into them"},
    source="Cortes & Vapnik 1995, doi:10.1007/BF00994018; scikit-learn, hinge_loss; Keras, keras.losses.Hinge and SquaredHinge",
)
def hinge(input: Tensor, target: Tensor, *, margin: Positive = 1.0, p: Literal[1, 2] = 1) -> Tensor:
    """Scores (N, *), labels in [0, 1] (N, *) -> (N, *): label 1 wants a score above the margin, label 0 one below minus it."""
    one, zero = (margin - input).relu(), (margin + input).relu()
    return target * (one if p == 1 else one.square()) + (1 - target) * (zero if p == 1 else zero.square())
