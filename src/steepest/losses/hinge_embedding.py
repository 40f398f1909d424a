"""Hinge embedding: distances of pairs that belong together shall be 0, those of other pairs at least a margin."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import bounded_gradient, convex
from steepest.core.declare import loss
from steepest.core.domains import Log, Positive
from steepest.core.targets import binary


@loss(
    formula="y*x + (1 - y)*Piecewise((margin - x, margin - x > 0), (0, True))",
    target=binary,
    claims=[convex, bounded_gradient(1)],
    search={"margin": Log(0.1, 10)},
    task="embedding",
    use="Pairs that are given with their distance and with whether they belong together.",
    avoid="Where a batch has labels: contrastive, triplet and supcon make all its pairs themselves.",
    source="torch.nn.HingeEmbeddingLoss; Hadsell, Chopra & LeCun 2006, doi:10.1109/CVPR.2006.100 (there with squares)",
    differs={"torch.nn.HingeEmbeddingLoss": "labels are 1 and -1 there, 1 and 0 here"},
)
def hinge_embedding(input: Tensor, target: Tensor, *, margin: Positive = 1.0) -> Tensor:
    """Distances (N, *), labels in [0, 1] (N, *), 1 where a pair belongs together -> (N, *). Unit: the distance's."""
    return target * input + (1 - target) * (margin - input).relu()
