"""Sparsemax: the loss of a softmax that gives exact zeros; a true class that leads by 1 costs nothing."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, nonnegative, rewards_true_class, shift_invariant
from steepest.core.declare import loss
from steepest.core.logits import along_classes
from steepest.core.targets import Classes, classes


def _plain(x: list[list[float]], y: list[int]) -> list[float]:
    """Half the squared distance of the scores to the label, less that to the nearest point whose entries are shares."""
    found = []
    for row, true in zip(x, y):
        low, high = max(row) - 1, max(row)
        for _ in range(400):
            level = (low + high) / 2
            low, high = (level, high) if sum(max(0.0, s - level) for s in row) > 1 else (low, level)
        shares = [max(0.0, s - low) for s in row]
        to_label = sum((s - (j == true)) ** 2 for j, s in enumerate(row))
        found.append((to_label - sum((s - p) ** 2 for s, p in zip(row, shares))) / 2)
    return found


@loss(
    slow=_plain,
    target=classes,
    claims=[nonnegative, convex, shift_invariant, rewards_true_class, bounded_gradient(1)],
    task="classification",
    use="Probabilities of which most are exactly 0: few plausible classes of many, and no push once the true one leads by 1.",
    avoid="Where log-probabilities are needed: that of 0 is none; take cross_entropy.",
    source="Martins & Astudillo 2016, From softmax to sparsemax, arXiv:1602.02068",
    differs={"optax.multiclass_sparsemax_loss": "the same values"},
)
def sparsemax(input: Tensor, target: Classes) -> Tensor:
    """Scores (N, C, *), classes (N, *) -> (N, *). Half the squared distance of shares and label, plus what a share is short of 0."""
    top, at = input.max(1, keepdim=True)
    below = input - top.detach()
    ordered = below.sort(dim=1, descending=True).values
    places = torch.arange(1, input.shape[1] + 1, dtype=input.dtype, device=input.device)
    levels = (ordered.cumsum(1) - 1) / along_classes(places, input)
    n_shares = (ordered > levels).sum(1, keepdim=True)
    level = levels.gather(1, n_shares - 1)
    shares = (below - level).relu()
    squares = shares.square()
    rest = squares.scatter(1, at, 0.0).sum(1, keepdim=True)  # of all but the greatest, whose square would hide it
    others = (squares.gather(1, at) + rest - squares).scatter(1, at, rest)
    return target.expect(((1 - shares).square() + others) / 2 + (level - below).relu())
