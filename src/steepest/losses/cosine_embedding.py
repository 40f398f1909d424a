"""Cosine embedding: pairs that belong together shall point the same way, other pairs be no nearer than a margin."""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from steepest.core.claims import bounded_gradient, convex
from steepest.core.declare import loss
from steepest.core.domains import Interval, Linear
from steepest.core.targets import binary

Cosine = Annotated[float | Tensor, Interval(-1.0, 1.0)]


@loss(
    formula="y*(1 - x) + (1 - y)*Piecewise((x - margin, x - margin > 0), (0, True))",
    target=binary,
    expects="cosines",
    claims=[convex, bounded_gradient(1)],
    search={"margin": Linear(0, 0.5)},
    task="embedding",
    use="Pairs of embeddings with whether they belong together, where only the direction counts: texts, images.",
    avoid="Where a batch has labels or views: supcon and info_nce compare all its pairs.",
    source="torch.nn.CosineEmbeddingLoss",
    differs={
        "torch.nn.CosineEmbeddingLoss": "takes the two embeddings and labels 1 and -1; here their cosine and labels 1 and 0"
    },
)
def cosine_embedding(input: Tensor, target: Tensor, *, margin: Cosine = 0.0) -> Tensor:
    """Cosines (N, *), as of torch.cosine_similarity, labels in [0, 1] (N, *), 1 where a pair belongs together -> (N, *)."""
    return target * (1 - input) + (1 - target) * (input - margin).relu()
