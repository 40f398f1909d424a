"""DeLong's interval of an area under the ROC curve, with ties, in the time of one sort.

Sources: DeLong, DeLong & Clarke-Pearson 1988, doi:10.2307/2531595; by ranks: Sun & Xu 2014, IEEE Signal Processing Letters.
"""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.interval import normal_quantile
from steepest.core.rows import Rows

from .ranking import Ranked, area, rank


def bounds(value: Tensor, variance: Tensor, level: float) -> tuple[Tensor, Tensor]:
    """Normal on the scale of log odds, on which areas near 1 keep their distance from it."""
    z = normal_quantile((1 + level) / 2).to(value.device)
    half = z * variance.sqrt() / (value * (1 - value))
    middle = torch.logit(value)
    low, high = torch.sigmoid(middle - half), torch.sigmoid(middle + half)
    is_inside = (value > 0) & (value < 1)
    return torch.where(is_inside, low, value), torch.where(is_inside, high, value)


def variance(state: Rows, shares: Tensor | None = None) -> Tensor:
    """Of each class's area (..., C); with shares (..., C) that of their mean by these weights (...)."""
    ranked = rank(state)
    pull = _pull(ranked)
    if shares is None:
        return pull.square().sum(-1)
    assert ranked.order is not None
    by_sample = torch.zeros_like(pull).scatter_(-1, ranked.order.expand(pull.shape), pull)
    return (by_sample * shares.unsqueeze(-1)).sum(-2).square().sum(-1)


def _pull(ranked: Ranked) -> Tensor:
    """What each sample adds to the deviation of the estimate, (..., C, N); its squares add up to DeLong's variance."""
    value = area(ranked).unsqueeze(-1)
    positive, negative = ranked.positive, ranked.negative
    p, n = positive.sum(-1, keepdim=True), negative.sum(-1, keepdim=True)
    wins = (ranked.below(negative) + ranked.tied(negative) / 2) / n
    losses = (p - ranked.below(positive) - ranked.tied(positive) / 2) / p
    of_positive = positive * (wins - value) / p * _small(positive)
    of_negative = negative * (losses - value) / n * _small(negative)
    return of_positive + of_negative


def _small(weight: Tensor) -> Tensor:
    """sqrt(m / (m - 1)) for m samples of equal weight: variances divide by m - 1."""
    m = weight.sum(-1, keepdim=True).square() / weight.square().sum(-1, keepdim=True)
    return torch.where(m > 1, m / (m - 1), torch.nan).sqrt()
