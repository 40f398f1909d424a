"""Multi-margin (hinge): every class whose score comes within a margin of the true class's costs what it is too near."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, nonnegative, rewards_true_class
from steepest.core.declare import loss
from steepest.core.domains import Log, Positive
from steepest.core.each_class import expect_each
from steepest.core.targets import Classes, classes


@loss(
    formula="Sum((1 - KroneckerDelta(j, y))*Piecewise(((margin - x[y] + x[j])**p, margin - x[y] + x[j] > 0), (0, True)),"
    " (j, 0, C - 1))/C",
    target=classes,
    expects="values",
    claims=[nonnegative, convex, rewards_true_class, bounded_gradient(1).at(p=1)],
    search={"margin": Log(0.1, 10)},
    task="classification",
    use="When only the decision counts, not probabilities: what is right by the margin teaches nothing more.",
    few_roundings=True,
    avoid="Probabilities, for which cross_entropy; overlapping classes: of two that are nearly as likely, its "
    "optimum scores both alike.",
    differs={
        "torch.nn.MultiMarginLoss": "with class weights its mean divides by the number of samples, ours by their "
        "weights",
        "keras.losses.CategoricalHinge": "only the best rival counts, and one below 0 as 0; ours adds all rivals and "
        "divides by the number of classes",
        "optax.multiclass_hinge_loss": "only the best rival counts, with margin 1, as in categorical_hinge",
    },
    source="Crammer & Singer 2001, On the algorithmic implementation of multiclass kernel-based vector machines, JMLR 2",
)
def multi_margin(input: Tensor, target: Classes, *, margin: Positive = 1.0, p: Literal[1, 2] = 1) -> Tensor:
    """Scores (N, C, *), classes (N, *) -> (N, *). torch.nn.MultiMarginLoss divides a weighted mean by N, this by the weights."""

    def cost(index: Tensor) -> Tensor:
        true = index.unsqueeze(1)
        excess = (margin + (input - input.gather(1, true))).relu().scatter(1, true, 0.0)
        return (excess if p == 1 else excess.square()).mean(1)

    return expect_each(target, input, cost)
