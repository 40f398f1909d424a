"""How a predicted and a true region overlap: found, invented and missed, counted in pixels and shares of pixels."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from .regions import Regions, probabilities


def counts(logits: Tensor, target: Regions) -> tuple[Tensor, Tensor, Tensor]:
    """(hit, extra, missed), each (N, C): true and predicted, predicted only, true only."""
    p, share = probabilities(logits), target.share
    return target.sum(p * share), target.sum(p * (1 - share)), target.sum((1 - p) * share)


# -- the same in plain numbers, one sample (C, pixels) with its labels at a time: what the losses of overlap are tested against --



def plain_odds(sample: Any, pixel: int) -> list[float]:
    """The probability of each class in one pixel."""
    scores = [row[pixel] for row in sample]
    return [math.exp(s) / sum(math.exp(t) for t in scores) for s in scores]


def plain_counts(sample: Any, labels: Any, c: int) -> tuple[float, float, float]:
    """(hit, extra, missed) of class c."""
    hit = extra = missed = 0.0
    for pixel, label in enumerate(labels):
        p = plain_odds(sample, pixel)[c]
        hit, missed = (hit + p, missed + 1 - p) if label == c else (hit, missed)
        extra += p if label != c else 0.0
    return hit, extra, missed
