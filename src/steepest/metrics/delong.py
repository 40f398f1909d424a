"""DeLong's interval of an area under the ROC curve, with ties, in the time of one sort.

Sources: DeLong, DeLong & Clarke-Pearson 1988, doi:10.2307/2531595; by ranks: Sun & Xu 2014, IEEE Signal Processing Letters.
"""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.interval import normal_quantile
from steepest.core.tally import State

from .ranking import Ranked, area, rank


def bounds(value: Tensor, variance: Tensor, level: float) -> tuple[Tensor, Tensor]:
    """Normal on the scale of log odds, on which areas near 1 keep their distance from it."""
    z = normal_quantile((1 + level) / 2).to(value.device)
    half = z * variance.sqrt() / (value * (1 - value))
    middle = torch.logit(value)
    low, high = torch.sigmoid(middle - half), torch.sigmoid(middle + half)
    is_inside = (value > 0) & (value < 1)
    return torch.where(is_inside, low, value), torch.where(is_inside, high, value)


def variance(state: State, shares: Tensor | None = None) -> Tensor:
    """Of each class's area (..., C); with shares (..., C) that of their mean by these weights (...), for rows alone."""
    ranked = rank(state)
    if isinstance(state, Tensor):  # a place holds as many samples as it counts
        of_positive, of_negative = _pulls(ranked, *(t.sum(-1, keepdim=True) for t in ranked[:2]))
        return (ranked.positive * of_positive.square() + ranked.negative * of_negative.square()).sum(-1)
    of_positive, of_negative = _pulls(ranked, *(_effective(t) for t in ranked[:2]))
    pull = ranked.positive * of_positive + ranked.negative * of_negative
    if shares is None:
        return pull.square().sum(-1)
    assert ranked.order is not None
    by_sample = torch.zeros_like(pull).scatter_(-1, ranked.order.expand(pull.shape), pull)
    return (by_sample * shares.unsqueeze(-1)).sum(-2).square().sum(-1)


def _pulls(ranked: Ranked, n_positive: Tensor, n_negative: Tensor) -> tuple[Tensor, Tensor]:
    """What a sample of the class and another one add to the deviation of the estimate, (..., C, N); n: how many there are."""
    value = area(ranked).unsqueeze(-1)
    positive, negative = ranked.positive, ranked.negative
    p, n = positive.sum(-1, keepdim=True), negative.sum(-1, keepdim=True)
    wins = (ranked.below(negative) + ranked.tied(negative) / 2) / n
    losses = (p - ranked.below(positive) - ranked.tied(positive) / 2) / p
    return (wins - value) / p * _small(n_positive), (losses - value) / n * _small(n_negative)


def _effective(weight: Tensor) -> Tensor:
    """How many samples of equal weight tell as much."""
    return weight.sum(-1, keepdim=True).square() / weight.square().sum(-1, keepdim=True)


def _small(m: Tensor) -> Tensor:
    """sqrt(m / (m - 1)): variances divide by m - 1."""
    return torch.where(m > 1, m / (m - 1), torch.nan).sqrt()
