"""Contrastive: pairs of one label are pulled together, pairs of two labels pushed apart up to a margin."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import nonnegative
from steepest.core.declare import loss
from steepest.core.domains import Log, Positive
from steepest.core.partners import Partners, distances, embeddings, plain_distance


def _plain(x: Any, y: Any, margin: float) -> list[float]:
    values = []
    for i, anchor in enumerate(x):
        costs = []
        for j, other in enumerate(x):
            d = plain_distance(anchor, other)
            if j != i:
                costs.append(d**2 if y[j] == y[i] else max(0.0, margin - d) ** 2)
        values.append(sum(costs) / max(len(costs), 1))
    return values


@loss(
    slow=_plain,
    target=embeddings(needs_same=False),
    claims=[nonnegative],
    search={"margin": Log(0.1, 10)},
    task="embedding",
    use="Learning distances from few samples per label; with larger batches supcon or triplet learn faster.",
    avoid="Many labels in small batches: few pairs share one, and pairs beyond the margin teach nothing; then supcon "
    "or triplet.",
    differs={
        "pytorch_metric_learning ContrastiveLoss": "distances are not squared, embeddings are scaled to length 1, "
        "and only pairs that cost something are averaged",
    },
    source="Hadsell, Chopra & LeCun 2006, doi:10.1109/CVPR.2006.100 (without its factor 1/2)",
)
def contrastive(input: Tensor, target: Partners, *, margin: Positive = 1.0) -> Tensor:
    """Embeddings (N, D), labels (N,) -> (N,): the mean over all other samples of the batch. Unit: squared distance."""
    d = distances(input)
    costs = torch.where(target.same, d.square(), 0.0)
    costs = costs + torch.where(target.other, (margin - d).relu().square(), 0.0)
    return costs.sum(1) / (target.same | target.other).sum(1).clamp(min=1)
