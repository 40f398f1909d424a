"""How likely A beats B on a fresh seed, with an interval."""

from __future__ import annotations

import math

from steepest.results.pairs import Pairs

EXACT_UP_TO = 30.0  # |t| beyond which scipy's inversion of the noncentral t may take minutes


def chance_to_win(pairs: Pairs) -> float:
    """P(A > B) on a fresh seed, a tie counting half.

    Differences with a mean and a spread: that of a normal distribution with this mean and sd; from 5 seeds on it is off
    by less than 0.01 on average (bench/evidence.py). Else the share of seeds won, drawn to one half by one seed's
    worth, so that no number of seeds makes a certainty.
    """
    from scipy.special import ndtr

    return float(ndtr(pairs.mean / pairs.sd)) if pairs.vary else (_won(pairs) + 0.5) / (pairs.n + 1)


def chance_interval(pairs: Pairs, level: float, overlap: float = 0.0) -> tuple[float, float]:
    """Exact for normal differences, whose t is noncentral at the true effect * sqrt(n); else Clopper & Pearson's.

    overlap: splits that overlap tell as much as 1 / (1/n + overlap) seeds would that do not (see paired_difference).
    Source of the second: doi:10.1093/biomet/26.4.404
    """
    n = pairs.n / (1 + pairs.n * overlap)
    if pairs.vary:
        return _by_effect(pairs.mean / pairs.sd, n, pairs.n - 1, level)
    return _by_count(_won(pairs) * n / max(pairs.n, 1), n, level)


def _by_effect(effect: float, n: float, freedom: int, level: float) -> tuple[float, float]:
    from scipy.special import nctdtrinc, ndtr, ndtri

    root, tails = math.sqrt(n), ((1 + level) / 2, (1 - level) / 2)
    if abs(effect) * root < EXACT_UP_TO:
        low, high = (nctdtrinc(freedom, tail, effect * root) / root for tail in tails)
    else:  # the large-sample spread of an effect, wrong in digits that no chance shows
        half = ndtri(tails[0]) * math.sqrt(1 / n + effect**2 / (2 * freedom))
        low, high = effect - half, effect + half
    return float(ndtr(low)), float(ndtr(high))


def _by_count(won: float, n: float, level: float) -> tuple[float, float]:
    from scipy.special import betaincinv

    tail, lost = (1 - level) / 2, n - won
    low = float(betaincinv(won, lost + 1, tail)) if won > 0 else 0.0
    high = float(betaincinv(won + 1, lost, 1 - tail)) if lost > 0 else 1.0
    return low, high


def _won(pairs: Pairs) -> float:
    return sum(1.0 if d > 0 else 0.5 if d == 0 else 0.0 for d in pairs.ranked)
