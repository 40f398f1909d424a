"""SupCon: pull embeddings of one label together and away from all others, every sample of the batch being an anchor."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import nonnegative
from steepest.core.declare import loss
from steepest.core.domains import Log, Positive
from steepest.core.partners import Partners, among, embeddings, plain_cosine, products, unit


def _plain(x: Any, y: Any, temperature: float) -> list[float]:
    values = []
    for i, anchor in enumerate(x):
        nearness = {j: plain_cosine(anchor, other) / temperature for j, other in enumerate(x) if j != i}
        positives = [j for j in nearness if y[j] == y[i]]
        total = math.log(sum(map(math.exp, nearness.values()))) if nearness else 0.0
        values.append(sum(total - nearness[j] for j in positives) / max(len(positives), 1))
    return values


@loss(
    slow=_plain,
    target=embeddings(needs_same=True),
    claims=[nonnegative],
    search={"temperature": Log(0.03, 1)},
    task="embedding",
    use="Learning embeddings from labels with large batches; afterwards a linear layer on them classifies.",
    avoid="Batches with one sample per label: there is no partner, hence no item; then arcface, or info_nce on two "
    "views.",
    differs={
        "pytorch_metric_learning SupConLoss": "the same per anchor, but 0 for a batch of a single label, where ours "
        "still pulls together",
    },
    source="Khosla et al. 2020, arXiv:2004.11362 (its L_out)",
    class_name="SupCon",
)
def supcon(input: Tensor, target: Partners, *, temperature: Positive = 0.1) -> Tensor:
    """Embeddings (N, D), scaled to length 1 here; labels (N,) -> (N,), one per anchor. Unit: nats.

    An anchor without another sample of its label is no item. Weights are of anchors; a masked sample is nobody's partner.
    """
    x = unit(input)
    nearness = products(x, x) / temperature
    total = among(nearness, target.same | target.other).logsumexp(1, keepdim=True)
    costs = torch.where(target.same, total - nearness, 0.0)
    return costs.sum(1) / target.same.sum(1).clamp(min=1)
