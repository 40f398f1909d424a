"""Evidence from ranks alone, exact at any number of seeds: for differences without a mean, because a trial diverged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, groupby


def signed_rank_p(differences: Sequence[float]) -> float:
    """Two-sided p of Wilcoxon's signed-rank test: how rare this lean is if every sign were a coin toss.

    Exact, with ties, zeros and infinities (a divergence ranks above every finite difference). Zeros keep their ranks
    but vote for neither side (Pratt 1959, doi:10.1080/01621459.1959.10501526).
    """
    doubled = [rank for rank, d in zip(_doubled_ranks(differences), differences) if d != 0]
    total = sum(doubled)
    positive = sum(rank for rank, d in zip(_doubled_ranks(differences), differences) if d > 0)
    counts = _subset_sums(doubled)
    tail = sum(counts[: min(positive, total - positive) + 1])
    return min(1.0, 2 * tail / 2 ** len(doubled))


def signed_rank_interval(differences: Sequence[float], level: float) -> tuple[float, float, float]:
    """(centre, low, high): the Hodges-Lehmann estimate and the differences that the signed-rank test does not reject.

    Bounds are infinite where the seeds cannot exclude anything: below 6 seeds at 95 %, or beyond a divergence.
    Source: Hodges & Lehmann 1963, doi:10.1214/aoms/1177704172
    """
    n = len(differences)
    if n == 0:
        return 0.0, -math.inf, math.inf
    # inf - inf has no value: it counts as the worst case on either side, and as no difference in the centre.
    worst, middle, best = (_walsh(differences, unknown) for unknown in (-math.inf, 0.0, math.inf))
    tail = (1 - level) / 2 * 2**n
    # The largest c with P(T <= c) <= tail; then the (c + 1)-th average from either end bounds the interval.
    c = sum(cumulated <= tail for cumulated in accumulate(_subset_sums(range(1, n + 1)))) - 1
    low, high = (worst[c], best[-1 - c]) if c >= 0 else (-math.inf, math.inf)
    return _median(middle), low, high


def _doubled_ranks(values: Sequence[float]) -> list[int]:
    """Twice the mid-rank of each |value|, so that ties stay whole numbers."""
    order = sorted(range(len(values)), key=lambda i: abs(values[i]))
    ranks = [0] * len(values)
    before = 0
    for _, group in groupby(order, key=lambda i: abs(values[i])):
        tied = list(group)
        for i in tied:
            ranks[i] = 2 * before + len(tied) + 1
        before += len(tied)
    return ranks


def _subset_sums(ranks: Sequence[int]) -> list[int]:
    """counts[s]: in how many of the 2^n choices of signs the positive ranks sum to s."""
    counts = [1] + [0] * sum(ranks)
    reached = 0
    for rank in ranks:
        reached += rank
        for s in range(reached, rank - 1, -1):
            counts[s] += counts[s - rank]
    return counts


def _walsh(values: Sequence[float], unknown: float) -> list[float]:
    """Means of all pairs, each value with itself too, in order."""
    means = ((x + y) / 2 for i, x in enumerate(values) for y in values[i:])
    return sorted(unknown if math.isnan(mean) else mean for mean in means)


def _median(values: list[float]) -> float:
    low, high = values[(len(values) - 1) // 2], values[len(values) // 2]
    return low if low == high else (low + high) / 2
