"""ArcFace and CosFace: cross-entropy of cosines in which the true class must win by a margin, in the angle or in the cosine."""

from __future__ import annotations

import math
from typing import Annotated, Any

import torch
from torch import Tensor

from steepest.core.claims import nonnegative
from steepest.core.declare import loss
from steepest.core.digits import number
from steepest.core.domains import Interval, Linear, Log, Positive
from steepest.core.logits import softplus
from steepest.core.targets import Classes, classes

Margin = Annotated[float | Tensor, Interval(0.0, 1.5)]
NEAR = 1e-6
"""The slope of an angle by its cosine is infinite at 1 and -1; cosines nearer to them than this have slope 0."""


def rivals(scores: Tensor) -> Tensor:
    """log of the sum of exp over all other classes, (N, C, *), for each class; the greatest score is never subtracted again."""
    top, at = scores.max(1, keepdim=True)
    second = scores.scatter(1, at, torch.finfo(scores.dtype).min).max(1, keepdim=True).values
    without = second + (scores - second).scatter(1, at, -torch.inf).exp().sum(1, keepdim=True).log()
    shares = (scores - top).scatter(1, at, -torch.inf).exp()
    return (top + (shares.sum(1, keepdim=True) - shares).log1p()).scatter(1, at, without)


def _plain(x: Any, y: Any, scale: float, turned: Any) -> list[float]:
    values = []
    for row, label in zip(x, y):
        own = scale * turned(row[label])
        values.append(math.log(1 + sum(math.exp(scale * c - own) for j, c in enumerate(row) if j != label)))
    return values


def _plain_arcface(x: Any, y: Any, margin: float, scale: float) -> list[float]:
    def turned(cosine: float) -> float:
        angle = math.acos(cosine)
        return math.cos(angle + margin) if angle + margin <= math.pi else cosine + math.cos(margin) - 1

    return _plain(x, y, scale, turned)


@loss(
    slow=_plain_arcface,
    target=classes,
    expects="cosines",
    claims=[nonnegative],
    search={"margin": Linear(0.1, 0.8), "scale": Log(8, 128)},
    task=["classification", "embedding"],
    use="Embeddings that must tell classes apart that training never saw, such as faces; cosines come from unit vectors.",
    avoid="Classes that are all known in training: cross_entropy is easier to train. Plain logits: beyond -1 and 1 "
    "nothing is learned.",
    differs={
        "pytorch_metric_learning ArcFaceLoss": "holds the class vectors itself; margin in degrees, 28.6; beyond 180 "
        "degrees it goes on with a step, ours without",
    },
    source="Deng et al. 2019, arXiv:1801.07698",
    class_name="ArcFace",
)
def arcface(input: Tensor, target: Classes, *, margin: Margin = 0.5, scale: Positive = 64.0) -> Tensor:
    """Cosines (N, C, *) between embedding and class vectors, classes (N, *) -> (N, *). Unit: nats. margin in radians."""
    x = input.clamp(-1 + NEAR, 1 - NEAR)
    m = number(margin, x)
    turned = x * m.cos() - ((1 - x) * (1 + x)).sqrt() * m.sin()
    # Beyond 180 degrees the cosine would rise again: from there on a straight line, joined without the step of the authors' code.
    turned = torch.where(x >= -m.cos(), turned, x + m.cos() - 1)
    return target.expect(softplus(rivals(scale * x) - scale * turned))


def _plain_cosface(x: Any, y: Any, margin: float, scale: float) -> list[float]:
    return _plain(x, y, scale, lambda cosine: cosine - margin)


@loss(
    slow=_plain_cosface,
    target=classes,
    expects="cosines",
    claims=[nonnegative],
    search={"margin": Linear(0.1, 0.6), "scale": Log(8, 128)},
    task=["classification", "embedding"],
    use="As arcface, with the margin on the cosine itself: simpler, and smooth everywhere.",
    avoid="Classes that are all known in training: cross_entropy is easier to train. Plain logits: times scale 64 "
    "they saturate at once.",
    differs={
        "pytorch_metric_learning CosFaceLoss": "holds the class vectors itself; the same margin and scale",
    },
    source="Wang et al. 2018, arXiv:1801.09414",
    class_name="CosFace",
)
def cosface(input: Tensor, target: Classes, *, margin: Margin = 0.35, scale: Positive = 64.0) -> Tensor:
    """Cosines (N, C, *) between embedding and class vectors, classes (N, *) -> (N, *). Unit: nats."""
    return target.expect(softplus(rivals(scale * input) - scale * (input - margin)))
