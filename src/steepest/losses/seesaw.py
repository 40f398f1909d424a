"""Seesaw: cross-entropy in which frequent classes push rare ones down less, unless a rare one is wrongly predicted."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from steepest.core.claims import bounded_gradient, nonnegative, rewards_true_class, shift_invariant
from steepest.core.declare import loss
from steepest.core.domains import ClassCounts, Linear, NonNegative
from steepest.core.each_class import expect_each
from steepest.core.logits import beside, surprise
from steepest.core.targets import Classes, classes


def _plain(
    x: list[list[float]],
    y: list[int],
    *,
    class_counts: Sequence[float],
    p: float,
    q: float,
    still: list[list[float]] | None = None,
) -> list[float]:
    found = []
    for row, true, then in zip(x, y, still or x):
        total = math.exp(row[true])
        for j, score in enumerate(row):
            if j != true:
                fewer = min(1.0, class_counts[j] / class_counts[true]) ** p
                wrong = max(1.0, math.exp(then[j]) / math.exp(then[true])) ** q
                total += fewer * wrong * math.exp(score)
        found.append(math.log(total) - row[true])
    return found


@loss(
    slow=_plain,
    target=classes,
    expects="logits",
    claims=[nonnegative, shift_invariant, rewards_true_class, bounded_gradient(1)],
    search={"p": Linear(0.2, 1.5), "q": Linear(0, 4)},
    task="classification",
    good_for=["imbalanced"],
    use="A long tail of classes: samples of frequent classes no longer push the rare ones down as often as they come.",
    avoid="Few or balanced classes, and wrong labels, which q makes louder; take cross_entropy or logit_adjusted.",
    source="Wang et al. 2021, Seesaw loss for long-tailed instance segmentation, arXiv:2008.10032",
    differs={
        "mmdet SeesawLoss": "counts classes while it trains; a true class's probability below 0.01 is 0.01 in q's ratio"
    },
    holds="how much more likely than the true class a wrong one is held to be, the ratio that q raises to a power",
)
def seesaw(
    input: Tensor, target: Classes, *, class_counts: ClassCounts, p: NonNegative = 0.8, q: NonNegative = 2.0
) -> Tensor:
    """Logits (N, C, *), classes (N, *) -> (N, *). Unit: nats. class_counts (C,): how many training samples each class has.

    p lessens the push of a class on rarer ones, q restores it where the rarer one is predicted; p = q = 0 is cross_entropy.
    """
    nats = beside("seesaw", "class_counts", class_counts, input).log()

    def cost(index: Tensor) -> Tensor:
        true = index.unsqueeze(1)
        ahead = input - input.gather(1, true)
        fewer = p * (nats - nats[index].unsqueeze(-1)).clamp(max=0.0).movedim(-1, 1)
        return surprise(ahead + fewer + q * ahead.relu().detach()).gather(1, true).squeeze(1)

    return expect_each(target, input, cost)
