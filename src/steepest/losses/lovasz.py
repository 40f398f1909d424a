"""Lovasz: the Jaccard index itself, made differentiable by its convex extension over sorted errors."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import bounded, nonnegative
from steepest.core.declare import loss
from steepest.core.overlap import plain_odds
from steepest.core.regions import Regions, probabilities, regions, regions_with_pixels


def extension(errors: Tensor, target: Regions) -> Tensor:
    """The Lovasz extension of the Jaccard loss at these errors (N, C, *) -> (N, C)."""
    order = errors.detach().flatten(2).argsort(dim=2, descending=True, stable=True)
    inside = target.weighted(target.share).flatten(2).gather(2, order)
    outside = target.weighted(1 - target.share).flatten(2).expand_as(order).gather(2, order)
    total = inside.sum(2, keepdim=True)
    union = total + outside.cumsum(2)
    lost = 1 - (total - inside.cumsum(2)) / torch.where(union > 0, union, 1.0)
    price = torch.cat([lost[..., :1], lost[..., 1:] - lost[..., :-1]], 2)
    return (errors.flatten(2).gather(2, order) * price).sum(2)


def _plain_extension(errors: list[float], inside: list[bool]) -> float:
    """Errors from the greatest on, each times what it adds to the Jaccard loss of all pixels seen so far."""
    value, before, seen = 0.0, Fraction(0), set()
    for k in sorted(range(len(errors)), key=lambda k: -errors[k]):
        seen.add(k)
        wrong_inside = {i for i in seen if inside[i]}
        union = sum(inside) + len(seen - wrong_inside)
        after = Fraction(len(seen), union or 1)
        value, before = value + errors[k] * (after - before), after
    return value


def _plain_softmax(x: Any, y: Any) -> list[list[float]]:
    rows = []
    for sample, labels in zip(x, y):
        odds = [plain_odds(sample, pixel) for pixel in range(len(labels))]
        row = []
        for c in range(len(sample)):
            errors = [abs((label == c) - odds[pixel][c]) for pixel, label in enumerate(labels)]
            row.append(_plain_extension(errors, [label == c for label in labels]) if c in labels else 0.0)
        rows.append(row)
    return rows


@loss(
    slow=_plain_softmax,
    target=regions_with_pixels,
    expects="logits",
    claims=[nonnegative, bounded(1)],
    task="segmentation",
    use="Segmentation judged by intersection over union, best after some epochs of cross_entropy.",
    avoid="The first epochs, and very large maps: every step sorts all pixels of every class; begin with "
    "cross_entropy.",
    differs={
        "segmentation_models_pytorch LovaszLoss": "mode multiclass takes the whole batch as one image unless "
        "per_image=True",
        "kornia.losses.lovasz_softmax_loss": "classes that an image lacks count too",
    },
    source="Berman et al. 2018, arXiv:1705.08790",
)
def lovasz_softmax(input: Tensor, target: Regions) -> Tensor:
    """Logits (N, C, *) (softmax) or (N, 1, *) (sigmoid), class map -> (N, C). A class without a pixel in a sample is no item."""
    return extension((target.share - probabilities(input)).abs(), target)


def _plain_hinge(x: Any, y: Any) -> list[list[float]]:
    return [
        [
            _plain_extension(
                [max(0.0, 1 - score * (1 if label == c else -1)) for score, label in zip(scores, labels)],
                [label == c for label in labels],
            )
            for c, scores in enumerate(sample)
        ]
        for sample, labels in zip(x, y)
    ]


@loss(
    slow=_plain_hinge,
    target=regions,
    expects="values",
    claims=[nonnegative],
    task="segmentation",
    use="Segmentation of one region against the rest, judged by intersection over union; scores want no probabilities.",
    avoid="Probabilities of pixels: beyond the margin of 1 nothing is learned, and scores are no logits; then "
    "lovasz_softmax.",
    differs={
        "segmentation_models_pytorch LovaszLoss": "mode binary takes the whole batch as one image unless "
        "per_image=True",
        "pytorch_optimizer LovaszHingeLoss": "the same per image",
    },
    source="Berman et al. 2018, arXiv:1705.08790; Yu & Blaschko 2015, arXiv:1512.07797",
)
def lovasz_hinge(input: Tensor, target: Regions) -> Tensor:
    """Scores (N, 1, *), above 0 inside the region, or (N, C, *) each class against the rest; class map -> (N, C)."""
    return extension((1 - input * (2 * target.share - 1)).relu(), target)
