"""Categorical hinge: the true class's score must be above the best of the others by a margin."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, nonnegative, rewards_true_class
from steepest.core.declare import loss
from steepest.core.domains import Log, Positive
from steepest.core.targets import Classes, classes


def _plain(x: list[list[float]], y: list[int], margin: float) -> list[float]:
    return [max(0.0, margin + max(s for j, s in enumerate(row) if j != true) - row[true]) for row, true in zip(x, y)]


@loss(
    slow=_plain,
    target=classes,
    claims=[nonnegative, convex, rewards_true_class, bounded_gradient(1)],
    search={"margin": Log(0.1, 10)},
    task="classification",
    use="When only the decision counts: just the strongest rival is pushed down. multi_margin pushes all that are too near.",
    avoid="Where probabilities are needed, or with many classes from scratch: one rival per sample learns slowly; take cross_entropy.",
    differs={"keras.losses.CategoricalHinge": "takes one-hot rows, and a best rival below 0 counts as 0"},
    source="Crammer & Singer 2001, JMLR 2; scikit-learn, hinge_loss; Keras, keras.losses.CategoricalHinge",
)
def categorical_hinge(input: Tensor, target: Classes, *, margin: Positive = 1.0) -> Tensor:
    """Scores (N, C, *), classes (N, *) -> (N, *)."""
    top, at = input.max(1, keepdim=True)
    second = input.scatter(1, at, -torch.inf).amax(1, keepdim=True)
    rival = top.expand_as(input).scatter(1, at, second)
    return target.expect((margin + (rival - input)).relu())
