"""Cosine distance: a predicted vector should point where the target points, whatever its length."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from steepest.core.claims import bounded, minimum_at_target, nonnegative, symmetric, zero_at_target
from steepest.core.declare import loss
from steepest.core.partners import plain_cosine, unit
from steepest.core.targets import vectors


def _plain(x: Any, y: Any) -> list[float]:
    return [1 - plain_cosine(a, b) for a, b in zip(x, y)]


@loss(
    slow=_plain,
    target=vectors,
    claims=[nonnegative, zero_at_target, minimum_at_target, symmetric, bounded(2)],
    task=["regression", "embedding"],
    use="Vectors of which only the direction counts: embeddings given by another model, normals, forecasts of a profile.",
    avoid="Where lengths count (take mse), or where pairs should also be pushed apart (cosine_embedding, info_nce).",
    source="Keras, keras.losses.CosineSimilarity; optax, optax.losses.cosine_distance",
    differs={
        "keras.losses.CosineSimilarity": "gives minus the cosine, 1 less; vectors are on the last axis there, on axis 1 here",
        "optax.losses.cosine_distance": "vectors are on the last axis there, on axis 1 here",
    },
)
def cosine_distance(input: Tensor, target: Tensor) -> Tensor:
    """Vectors (N, D, *), (N, D, *) -> (N, *): 1 - cosine, in 0..2. A vector of length 0 stands at 1/2, without a slope."""
    apart = unit(input.movedim(1, -1)) - unit(target.movedim(1, -1))
    return apart.square().sum(-1) / 2  # and not 1 - the product, which has lost its digits where both agree
