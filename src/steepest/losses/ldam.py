"""LDAM: cross-entropy in which the true class must win by a margin, the wider the rarer it is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, nonnegative, rewards_true_class
from steepest.core.declare import loss
from steepest.core.domains import ClassCounts, Log, Positive
from steepest.core.each_class import expect_each
from steepest.core.logits import beside, surprise
from steepest.core.targets import Classes, classes


def slow(
    x: list[list[float]], y: list[int], *, class_counts: Sequence[float], max_margin: float, scale: float
) -> list[float]:
    """Item by item in plain numbers."""
    found = []
    for row, true in zip(x, y):
        margin = max_margin * (min(class_counts) / class_counts[true]) ** 0.25
        scores = [scale * (score - margin * (j == true)) for j, score in enumerate(row)]
        found.append(math.log(sum(map(math.exp, scores))) - scores[true])
    return found


@loss(
    slow=slow,
    target=classes,
    expects="logits",
    claims=[nonnegative, convex, rewards_true_class, bounded_gradient("scale")],
    search={"max_margin": Log(0.1, 2), "scale": Log(1, 30)},
    task="classification",
    use="Imbalance: rare classes get room. Its authors re-weigh classes late in training besides, and take scale 30 with a cosine head.",
    avoid="Classes of one size: all margins are then the same. A head whose logits may grow: a margin of 0.5 soon "
    "counts for nothing.",
    differs={
        "pytorch_optimizer LDAMLoss": "the same margins; scale is 30 by default, ours 1; class weights at "
        "construction, over their sum",
    },
    source="Cao et al. 2019, Learning imbalanced datasets with label-distribution-aware margin loss, arXiv:1906.07413",
    class_name="LDAM",
)
def ldam(
    input: Tensor, target: Classes, *, class_counts: ClassCounts, max_margin: Positive = 0.5, scale: Positive = 1.0
) -> Tensor:
    """Logits (N, C, *), classes (N, *) -> (N, *). class_counts (C,): how many training samples each class has.

    The margin of class c is max_margin (n_rarest / n_c)^(1/4).
    """
    n = beside("ldam", "class_counts", class_counts, input)
    margins = max_margin * (n.amin() / n) ** 0.25
    below = input - input.amax(1, keepdim=True).detach()

    def cost(index: Tensor) -> Tensor:
        true = index.unsqueeze(1)
        room = below.new_zeros(()).expand_as(below).scatter(1, true, margins[index].unsqueeze(1))
        return surprise(scale * (below - room)).gather(1, true).squeeze(1)

    return expect_each(target, input, cost)
