"""The difference of two arms from their paired seeds: by t where it has a mean and a spread, by rank where not."""

from __future__ import annotations

import math
from typing import NamedTuple

from steepest.results.pairs import Pairs
from steepest.results.ranks import signed_rank_centre, signed_rank_interval, signed_rank_p


class Estimate(NamedTuple):
    method: str  # "paired t" or "signed rank"
    difference: float
    low: float
    high: float
    p_value: float


def estimate(pairs: Pairs, level: float, overlap: float = 0.0) -> Estimate:
    """p is two-sided. overlap: what Nadeau & Bengio add to 1/n, test samples over training samples."""
    if not pairs.vary:
        low, high = _rank_bounds(pairs, level)
        return Estimate("signed rank", centre(pairs), low, high, p_value(pairs))
    half = t_quantile(pairs.n, level) * _error(pairs, overlap)
    return Estimate("paired t", pairs.mean, pairs.mean - half, pairs.mean + half, p_value(pairs, overlap))


def p_value(pairs: Pairs, overlap: float = 0.0) -> float:
    """Of `estimate`, without its interval."""
    from scipy.special import stdtr

    if not pairs.vary:
        return signed_rank_p(pairs.ranked)
    return float(2 * stdtr(pairs.n - 1, -abs(pairs.mean) / _error(pairs, overlap)))


def centre(pairs: Pairs) -> float:
    """Of `estimate`, without its interval: the mean, or the Hodges-Lehmann estimate where there is none."""
    return pairs.mean if pairs.vary else signed_rank_centre(pairs.ranked)


def t_quantile(n: float, level: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, (1 + level) / 2))


def _rank_bounds(pairs: Pairs, level: float) -> tuple[float, float]:
    if pairs.n_informative < 2:
        return -math.inf, math.inf
    return (0.0, 0.0) if pairs.are_identical else signed_rank_interval(pairs.ranked, level)


def _error(pairs: Pairs, overlap: float) -> float:
    """Standard error of the mean."""
    return pairs.sd * math.sqrt(1 / pairs.n + overlap)
