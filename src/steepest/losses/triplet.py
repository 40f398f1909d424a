"""Triplet: an anchor must be nearer to its own label than to any other, by a margin."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from steepest.core.claims import nonnegative
from steepest.core.declare import loss
from steepest.core.domains import Log, NonNegative
from steepest.core.partners import Partners, distances, embeddings, plain_distance


def _plain(x: Any, y: Any, margin: float, mining: str) -> list[float]:
    values = []
    for i, anchor in enumerate(x):
        near = [plain_distance(anchor, x[j]) for j in range(len(x)) if y[j] == y[i] and j != i]
        far = [plain_distance(anchor, x[j]) for j in range(len(x)) if y[j] != y[i]]
        if not near or not far:
            values.append(0.0)
            continue
        if mining == "hard":
            pairs = [(max(near), min(far))]
        elif mining == "all":
            pairs = [(a, b) for a in near for b in far]
        else:
            pairs = [(a, min((b for b in far if b > a), default=max(far))) for a in near]
        values.append(sum(max(0.0, a - b + margin) for a, b in pairs) / len(pairs))
    return values


@loss(
    slow=_plain,
    target=embeddings(needs_same=True, needs_other=True),
    claims=[nonnegative],
    search={"margin": Log(0.1, 10)},
    task="embedding",
    good_for=["default"],
    use="Learning distances from labels: retrieval, faces, re-identification; start semi_hard, since hard may collapse.",
    avoid="Batches without several samples of a label: an anchor without partner is no item. Wrong labels: hard "
    "mining picks just these.",
    differs={
        "torch.nn.TripletMarginWithDistanceLoss": "is given the three embeddings and a distance; here it is Euclidean",
        "torch.nn.TripletMarginLoss": "is given anchor, positive and negative instead of finding them by labels; "
        "adds 1e-6 to each difference",
        "pytorch_metric_learning TripletMarginLoss": "all triplets, margin 0.05 on embeddings of length 1, and only "
        "triplets that cost something are averaged",
        "optax.losses.triplet_margin_loss": "is given anchor, positive and negative; adds 1e-6 inside the root",
    },
    source="Schroff et al. 2015, arXiv:1503.03832; hard mining in the batch: Hermans et al. 2017, arXiv:1703.07737",
)
def triplet(
    input: Tensor, target: Partners, *, margin: NonNegative = 1.0, mining: Literal["semi_hard", "hard", "all"] = "semi_hard"
) -> Tensor:
    """Embeddings (N, D), labels (N,) -> (N,), one per anchor. Unit: the Euclidean distance's.

    all: mean over all pairs of a positive and a negative. hard: the farthest positive and the nearest negative. semi_hard:
    for each positive the nearest negative beyond it, or the farthest one. An anchor without both is no item.
    """
    d = distances(input)
    if mining == "hard":
        return (_most(d, target.same) + _most(-d, target.other) + margin).relu()  # type: ignore[operator]
    n_same = target.same.sum(1).clamp(min=1)
    gaps = d.unsqueeze(2) - d.unsqueeze(1) + margin  # anchor, positive, negative
    if mining == "all":
        pairs = target.same.unsqueeze(2) & target.other.unsqueeze(1)
        return torch.where(pairs, gaps, 0.0).relu().sum((1, 2)) / (n_same * target.other.sum(1).clamp(min=1))
    is_beyond = target.other.unsqueeze(1) & (d.unsqueeze(1) > d.unsqueeze(2))
    nearest = -_most(-d.unsqueeze(1).expand_as(gaps), is_beyond)
    negative = torch.where(is_beyond.any(2), nearest, _most(d, target.other).unsqueeze(1))
    return torch.where(target.same, d - negative + margin, 0.0).relu().sum(1) / n_same


def _most(values: Tensor, chosen: Tensor) -> Tensor:
    """The greatest of the chosen along the last axis; 0 where there is none, an axis of length 0 included."""
    low = torch.where(chosen, values, -torch.inf)
    floor = low.new_full((*low.shape[:-1], 1), -torch.inf)
    return torch.where(chosen.any(-1), torch.cat([low, floor], -1).max(-1).values, 0.0)
