"""DeLong's interval of an area under the ROC curve, with ties, in the time of one sort.

Sources: DeLong, DeLong & Clarke-Pearson 1988, doi:10.2307/2531595; by ranks: Sun & Xu 2014, IEEE Signal Processing Letters.
"""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.interval import freedom_of, t_quantile
from steepest.core.tally import State

from .ranking import Ranked, area, rank


def bounds(value: Tensor, spread: tuple[Tensor, Tensor], level: float) -> tuple[Tensor, Tensor]:
    """On the scale of log odds, on which areas near 1 keep their distance from it. spread: variance and its freedom."""
    variance, freedom = spread
    half = t_quantile((1 + level) / 2, freedom) * variance.sqrt() / (value * (1 - value))
    middle = torch.logit(value)
    low, high = torch.sigmoid(middle - half), torch.sigmoid(middle + half)
    is_inside = (value > 0) & (value < 1)
    return torch.where(is_inside, low, value), torch.where(is_inside, high, value)


def spread(state: State, shares: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The variance of each class's area (..., C) and its degrees of freedom; with shares (..., C) those of their mean by
    these weights (...), for rows alone."""
    ranked = rank(state)
    if isinstance(state, Tensor):  # a place holds as many samples as it counts
        of_positive, of_negative = _pulls(ranked, *(t.sum(-1, keepdim=True) for t in ranked[:2]))
        pulls = (ranked.positive, of_positive), (ranked.negative, of_negative)
        squares, fourths = (sum((n * pull.pow(power)).sum(-1) for n, pull in pulls) for power in (2, 4))
        return squares, freedom_of(squares, fourths, ranked.positive.sum(-1) + ranked.negative.sum(-1))  # type: ignore[arg-type]
    of_positive, of_negative = _pulls(ranked, *(_effective(t) for t in ranked[:2]))
    pull = ranked.positive * of_positive + ranked.negative * of_negative
    if shares is not None:
        assert ranked.order is not None
        by_sample = torch.zeros_like(pull).scatter_(-1, ranked.order.expand(pull.shape), pull)
        pull = (by_sample * shares.unsqueeze(-1)).sum(-2)
    squares, fourths = (pull.pow(power).sum(-1) for power in (2, 4))
    return squares, freedom_of(squares, fourths, torch.tensor(float(pull.shape[-1]), device=pull.device))


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
