"""Tversky: overlap of regions in which invented and missed pixels may cost differently."""

from __future__ import annotations

from typing import Annotated, Any

import torch
from torch import Tensor

from steepest.core.claims import bounded, nonnegative
from steepest.core.declare import loss
from steepest.core.domains import Interval, Linear, Positive
from steepest.core.overlap import counts, plain_counts
from steepest.core.regions import Regions, regions

AtLeastOne = Annotated[float | Tensor, Interval(low=1.0)]


def _plain_tversky(x: Any, y: Any, alpha: float, beta: float, smooth: float) -> list[list[float]]:
    rows = []
    for sample, labels in zip(x, y):
        found = [plain_counts(sample, labels, c) for c in range(len(sample))]
        rows.append([1 - (hit + smooth) / (hit + alpha * extra + beta * missed + smooth) for hit, extra, missed in found])
    return rows


@loss(
    slow=_plain_tversky,
    target=regions,
    expects="logits",
    claims=[nonnegative, bounded(1)],
    search={"alpha": Linear(0.1, 0.9), "beta": Linear(0.1, 0.9)},
    task="segmentation",
    use="Segmentation where a missed pixel is worse than an invented one: beta above alpha.",
    avoid="A judgement by Dice or intersection over union: unequal prices move the border away from it; then dice or "
    "jaccard.",
    differs={
        "segmentation_models_pytorch TverskyLoss": "alpha and beta as here, both 0.5 by default; one fraction per "
        "class for the whole batch",
        "monai.losses.TverskyLoss": "alpha and beta as here, both 0.5 by default; takes probabilities unless "
        "softmax=True or sigmoid=True",
        "keras.losses.Tversky": "exchanged: in 3.15 its alpha is the price of missed pixels and its beta that of "
        "invented ones",
    },
    source="Salehi et al. 2017, arXiv:1706.05721",
)
def tversky(
    input: Tensor, target: Regions, *, alpha: Positive = 0.3, beta: Positive = 0.7, smooth: Positive = 1.0
) -> Tensor:
    """Logits (N, C, *) (softmax) or (N, 1, *) (sigmoid), class map -> (N, C). alpha: price of invented pixels, beta: of missed.

    alpha = beta = 1/2 is Dice with twice the smooth; alpha = beta = 1 is Jaccard.
    """
    hit, extra, missed = counts(input, target)
    wrong = alpha * extra + beta * missed
    return wrong / (hit + wrong + smooth)


def _plain_focal(x: Any, y: Any, alpha: float, beta: float, gamma: float, smooth: float) -> list[list[float]]:
    return [[v ** (1 / gamma) for v in row] for row in _plain_tversky(x, y, alpha, beta, smooth)]


@loss(
    slow=_plain_focal,
    target=regions,
    expects="logits",
    claims=[nonnegative, bounded(1)],
    search={"gamma": Linear(1, 3), "alpha": Linear(0.1, 0.9), "beta": Linear(0.1, 0.9)},
    task="segmentation",
    use="Segmentation of small regions that tversky finds too easily satisfied: gamma above 1 keeps pushing good overlaps.",
    avoid="Borders drawn inexactly: gamma above 1 keeps pushing regions that overlap well already, into the noise of "
    "the drawing.",
    differs={
        "segmentation_models_pytorch TverskyLoss": "its gamma is the power itself and acts after the mean over "
        "classes; ours is 1 / gamma for each class",
    },
    source="Abraham & Khan 2019, arXiv:1810.07842",
)
def focal_tversky(
    input: Tensor,
    target: Regions,
    *,
    alpha: Positive = 0.3,
    beta: Positive = 0.7,
    gamma: AtLeastOne = 4 / 3,
    smooth: Positive = 1.0,
) -> Tensor:
    """Logits (N, C, *) or (N, 1, *), class map -> (N, C): the Tversky loss to the power 1 / gamma."""
    hit, extra, missed = counts(input, target)
    wrong = alpha * extra + beta * missed
    share = wrong / (hit + wrong + smooth)
    return share.clamp(min=torch.finfo(share.dtype).tiny) ** (1 / gamma)  # the slope of a root at 0 is infinite


def _plain_jaccard(x: Any, y: Any, smooth: float) -> list[list[float]]:
    return _plain_tversky(x, y, 1.0, 1.0, smooth)


@loss(
    slow=_plain_jaccard,
    target=regions,
    expects="logits",
    claims=[nonnegative, bounded(1)],
    task="segmentation",
    use="Segmentation that is judged by intersection over union.",
    avoid="Probabilities of pixels that are used as they are: alone it rewards answers of 0 and 1; add cross_entropy.",
    differs={
        "segmentation_models_pytorch JaccardLoss": "one fraction per class for the whole batch, ours per sample; "
        "smooth is 0; a class that the batch lacks costs 0",
        "monai.losses.DiceLoss": "with jaccard=True, on probabilities; smooth is 1e-5",
    },
    source="Rahman & Wang 2016, doi:10.1007/978-3-319-50835-1_22",
)
def jaccard(input: Tensor, target: Regions, *, smooth: Positive = 1.0) -> Tensor:
    """Logits (N, C, *) or (N, 1, *), class map -> (N, C): one minus intersection over union."""
    hit, extra, missed = counts(input, target)
    return (extra + missed) / (hit + extra + missed + smooth)
