"""Boundary: what is predicted costs by its distance from the true region's border, so that far mistakes cost more than near ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.accept import can_read_values
from steepest.core.claims import shift_invariant
from steepest.core.declare import loss
from steepest.core.overlap import plain_odds
from steepest.core.regions import Regions, probabilities, regions

NOWHERE = 1e12
"""The squared distance to a region without pixels."""
AT_ONCE = 16
"""Pixels of a line that are compared with all pixels of that line at once: memory for so many maps."""


def _plain(x: Any, y: Any) -> list[list[float]]:
    """Of maps with one axis of pixels: the nearest pixel of the other kind, looked for one by one."""
    rows = []
    for sample, labels in zip(x, y):
        row = []
        for c in range(len(sample)):
            value = 0.0
            for pixel, label in enumerate(labels):
                far = [abs(pixel - other) for other, its in enumerate(labels) if (its == c) != (label == c)]
                distance = min(far, default=0.0)
                if c in labels and far:
                    value += plain_odds(sample, pixel)[c] * (1 - distance if label == c else distance)
            row.append(value / len(labels))
        rows.append(row)
    return rows


@loss(
    slow=_plain,
    target=regions,
    expects="logits",
    claims=[shift_invariant],
    task="segmentation",
    use="Segmentation of small or thin regions whose border counts; added to dice or cross_entropy with a weight that grows.",
    avoid="Alone: predicting nothing is a minimum nearby. Start with dice and raise its weight over the epochs (Weighted).",
    source="Kervadec et al. 2019, Boundary loss for highly unbalanced segmentation, arXiv:1812.07032",
)
def boundary(input: Tensor, target: Regions) -> Tensor:
    """Logits (N, C, *) (softmax) or (N, 1, *) (sigmoid), class map -> (N, C): the mean over pixels. Unit: pixels; below 0 at best.

    A pixel outside costs its distance to the region, one inside minus that to what is outside, plus 1. A class that no pixel
    or every pixel belongs to costs 0. Shares above a half are inside; a masked pixel is on neither side.
    """
    inside = target.share > 0.5
    counts = torch.ones_like(inside) if target.pixel_weight is None else (target.pixel_weight > 0).expand_as(inside)
    there, elsewhere = inside & counts, ~inside & counts
    level = torch.where(inside, 1 - _distance(elsewhere, input), _distance(there, input))
    has_border = there.flatten(2).any(2) & elsewhere.flatten(2).any(2)
    level = torch.where(has_border.reshape(*has_border.shape, *[1] * (input.dim() - 2)), level, 0.0)
    n_pixels = target.sum(torch.ones_like(input))
    return target.sum(probabilities(input) * level) / torch.where(n_pixels > 0, n_pixels, 1.0)


def _distance(there: Tensor, like: Tensor) -> Tensor:
    """(N, C, *) Euclidean distance of each pixel to the nearest one that is there."""
    if can_read_values(there) and there.numel():  # by axes every pixel of a line is compared with all others
        from scipy.ndimage import distance_transform_edt

        maps = [torch.from_numpy(distance_transform_edt(~one)) for one in there.flatten(0, 1).numpy()]
        return torch.stack(maps).reshape(there.shape).to(like.dtype)
    return _distance_by_axes(there, like)


def _distance_by_axes(there: Tensor, like: Tensor) -> Tensor:
    """The same on an accelerator, compiled and for all trials at once: the nearest in a line, then the nearest such line."""
    squared = torch.where(there, like.new_zeros(()), NOWHERE)
    for axis in range(2, there.dim()):
        lines = squared.movedim(axis, -1)
        places = torch.arange(lines.shape[-1], device=there.device, dtype=like.dtype)
        nearest = lines
        for values, at in zip(lines.split(AT_ONCE, -1), places.split(AT_ONCE)):
            nearest = torch.minimum(nearest, (values.unsqueeze(-2) + (places.unsqueeze(1) - at).square()).amin(-1))
        squared = nearest.movedim(-1, axis)
    return squared.sqrt()
