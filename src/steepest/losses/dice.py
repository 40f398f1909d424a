"""Dice: one minus the overlap of predicted and true region, so that a small region counts as much as a large one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import bounded, nonnegative
from steepest.core.declare import loss
from steepest.core.domains import Log, Positive
from steepest.core.overlap import counts, plain_counts
from steepest.core.regions import Regions, regions, regions_of_samples


def _plain_dice(x: Any, y: Any, smooth: float) -> list[list[float]]:
    rows = []
    for sample, labels in zip(x, y):
        found = [plain_counts(sample, labels, c) for c in range(len(sample))]
        rows.append([1 - (2 * hit + smooth) / (2 * hit + extra + missed + smooth) for hit, extra, missed in found])
    return rows


@loss(
    slow=_plain_dice,
    target=regions,
    expects="logits",
    claims=[nonnegative, bounded(1)],
    search={"smooth": Log(0.01, 10)},
    task="segmentation",
    use="Segmentation where the region is a small part of the image; add cross_entropy for honest probabilities.",
    avoid="Probabilities of pixels that are used as they are: alone it rewards answers of 0 and 1; add cross_entropy.",
    differs={
        "segmentation_models_pytorch DiceLoss": "one fraction per class for the whole batch, ours per sample; smooth "
        "is 0; a class that the batch lacks costs 0",
        "monai.losses.DiceLoss": "takes probabilities unless softmax=True or sigmoid=True; smooth is 1e-5, so a "
        "class that is not there costs nearly 1 for any trace of it",
        "keras.losses.Dice": "takes probabilities; one fraction for the whole batch and all classes; smooth is 1e-7 "
        "in the denominator only",
        "optax.losses.dice_loss": "smooth counts twice as much: it is added to half of both sides; class axis last",
    },
    source="Milletari et al. 2016, arXiv:1606.04797 (here with plain sums of probabilities in the denominator)",
)
def dice(input: Tensor, target: Regions, *, smooth: Positive = 1.0) -> Tensor:
    """Logits (N, C, *) (softmax) or (N, 1, *) (sigmoid), class map -> (N, C): one item per sample and class.

    smooth: pixels added to both sides of the fraction. A class that is neither there nor predicted costs 0.
    Several labels per pixel: input and target as (N * C, 1, *).
    """
    hit, extra, missed = counts(input, target)
    return (extra + missed) / (2 * hit + extra + missed + smooth)


def _plain_generalized(x: Any, y: Any) -> list[float]:
    values = []
    for sample, labels in zip(x, y):
        found = [plain_counts(sample, labels, c) for c in range(len(sample))]
        volumes = [hit + missed for hit, _, missed in found]
        most = max(1 / v**2 for v in volumes if v > 0)
        weights = [1 / v**2 if v > 0 else most for v in volumes]
        overlap = sum(w * 2 * hit for w, (hit, _, _) in zip(weights, found))
        total = sum(w * (2 * hit + extra + missed) for w, (hit, extra, missed) in zip(weights, found))
        values.append(1 - overlap / total)
    return values


@loss(
    slow=_plain_generalized,
    target=regions_of_samples,
    expects="logits",
    claims=[nonnegative, bounded(1)],
    task="segmentation",
    use="Segmentation with classes of very different size: each counts by one over its squared volume in the sample.",
    avoid="Regions of a few pixels: the weight is one over the square of their number, so one of them rules the "
    "sample; then dice.",
    differs={
        "monai.losses.GeneralizedDiceLoss": "the same weights, w_type square; takes probabilities unless "
        "softmax=True; adds 1e-5 to both sides",
    },
    source="Sudre et al. 2017, arXiv:1707.03237",
)
def generalized_dice(input: Tensor, target: Regions) -> Tensor:
    """Logits (N, C, *), class map -> (N,): all classes of a sample in one fraction. An absent class has the greatest weight."""
    hit, extra, missed = counts(input, target)
    volume = hit.detach() + missed.detach()
    inverse = torch.where(volume > 0, 1 / torch.where(volume > 0, volume, 1.0).square(), 0.0)
    weight = torch.where(volume > 0, inverse, inverse.amax(1, keepdim=True))
    wrong, total = (weight * (extra + missed)).sum(1), (weight * (2 * hit + extra + missed)).sum(1)
    return wrong / torch.where(total > 0, total, 1.0)
