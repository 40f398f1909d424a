"""The difference of two arms from their paired seeds: by t where it has a mean and a spread, by rank where not."""

from __future__ import annotations

import math
import statistics
from typing import NamedTuple

from steepest.results.pairs import Pairs
from steepest.results.ranks import signed_rank_interval, signed_rank_p


class Estimate(NamedTuple):
    method: str  # "paired t" or "signed rank"
    difference: float
    low: float
    high: float
    p_value: float
    p_better: float
    p_better_low: float
    p_better_high: float
    effect: float


def estimate(pairs: Pairs, level: float, test_share: float | None = None) -> Estimate:
    return _by_t(pairs, level, test_share) if varies(pairs) else _by_rank(pairs, level)


def p_value(pairs: Pairs, test_share: float | None = None) -> float:
    """Two-sided; the same as in `estimate`, without the intervals."""
    return _t_and_p(pairs, test_share)[1] if varies(pairs) else signed_rank_p(_rounded(pairs))


def varies(pairs: Pairs) -> bool:
    """True where a t-test has something to divide by."""
    return not pairs.has_diverged and pairs.n > 1 and statistics.stdev(pairs.differences) > pairs.rounding


def _by_t(pairs: Pairs, level: float, test_share: float | None) -> Estimate:
    n, mean, sd = pairs.n, statistics.fmean(pairs.differences), statistics.stdev(pairs.differences)
    half = t_quantile(n, level) * sd * math.sqrt(1 / n + _overlap(test_share))
    p_low, p_high = _normal_share_interval(mean / sd, n, level)
    return Estimate(
        "paired t",
        mean,
        mean - half,
        mean + half,
        _t_and_p(pairs, test_share)[1],
        normal_share(pairs),
        p_low,
        p_high,
        mean / sd,
    )


def _t_and_p(pairs: Pairs, test_share: float | None) -> tuple[float, float]:
    from scipy.special import stdtr

    error = statistics.stdev(pairs.differences) * math.sqrt(1 / pairs.n + _overlap(test_share))
    t = statistics.fmean(pairs.differences) / error
    return t, float(2 * stdtr(pairs.n - 1, -abs(t)))


def _by_rank(pairs: Pairs, level: float) -> Estimate:
    from scipy.special import betaincinv, ndtri

    differences, tail, p_better = _rounded(pairs), (1 - level) / 2, share_won(pairs)
    centre, low, high = signed_rank_interval(differences, level)
    if pairs.n_informative < 2:
        low, high = -math.inf, math.inf
    elif pairs.are_identical:
        low = high = 0.0
    won = sum(d > 0 for d in differences) + sum(d == 0 for d in differences) / 2
    lost = pairs.n - won
    p_low = (
        float(betaincinv(won, lost + 1, tail)) if won > 0 else 0.0
    )  # Clopper & Pearson 1934, doi:10.1093/biomet/26.4.404
    p_high = float(betaincinv(won + 1, lost, 1 - tail)) if lost > 0 else 1.0
    return Estimate(
        "signed rank", centre, low, high, signed_rank_p(differences), p_better, p_low, p_high, float(ndtri(p_better))
    )


def _rounded(pairs: Pairs) -> list[float]:
    """For ranks: differences that are rounding are ties, and so are those that differ by rounding only."""
    if pairs.are_identical:
        return [0.0] * pairs.n
    if not pairs.has_diverged and pairs.n > 0:  # they do not vary
        return [statistics.fmean(pairs.differences)] * pairs.n
    return [0.0 if abs(d) <= pairs.rounding else d for d in pairs.differences]


def normal_share(pairs: Pairs) -> float:
    """P(difference > 0) for normal differences at their mean and sd; off by <= 0.02 on average (bench/evidence.py)."""
    from scipy.special import ndtr

    return float(ndtr(statistics.fmean(pairs.differences) / statistics.stdev(pairs.differences)))


def _normal_share_interval(effect: float, n: int, level: float) -> tuple[float, float]:
    """Exact for normal differences: their t follows the noncentral distribution at the true effect * sqrt(n)."""
    from scipy.special import nctdtrinc, ndtr, ndtri

    if abs(effect) * math.sqrt(n) < 30:
        low, high = (nctdtrinc(n - 1, tail, effect * math.sqrt(n)) for tail in ((1 + level) / 2, (1 - level) / 2))
        return float(ndtr(low / math.sqrt(n))), float(ndtr(high / math.sqrt(n)))
    # Beyond, scipy's inversion may take minutes; the large-sample spread errs in digits that do not matter.
    half = float(ndtri((1 + level) / 2)) * math.sqrt(1 / n + effect**2 / (2 * (n - 1)))
    return float(ndtr(effect - half)), float(ndtr(effect + half))


def share_won(pairs: Pairs) -> float:
    """Share of seeds won, a tie counting half, drawn to one half by one seed's worth: never 0 or 1."""
    differences = _rounded(pairs)
    won = sum(d > 0 for d in differences) + sum(d == 0 for d in differences) / 2
    return (won + 0.5) / (pairs.n + 1)


def t_quantile(n: int, level: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, (1 + level) / 2))


def _overlap(test_share: float | None) -> float:
    """Nadeau & Bengio's addition to 1/n: test size over training size."""
    if test_share is None:
        return 0.0
    return test_share / (1 - test_share)
