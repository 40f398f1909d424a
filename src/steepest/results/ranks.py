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


def signed_rank_centre(differences: Sequence[float]) -> float:
    """The Hodges-Lehmann estimate, median of the means of all pairs; 0 for no difference at all.

    Source: Hodges & Lehmann 1963, doi:10.1214/aoms/1177704172
    """
    middle = _walsh(differences, 0.0)  # inf - inf has no value; neither side wins there
    return _median(middle) if middle else 0.0


def signed_rank_interval(differences: Sequence[float], level: float) -> tuple[float, float]:
    """(low, high): the differences that the signed-rank test does not reject.

    Infinite where the seeds cannot exclude anything: below 6 seeds at 95 %, or beyond a divergence.
    """
    n = len(differences)
    tail = (1 - level) / 2 * 2**n
    # The largest c with P(T <= c) <= tail; then the (c + 1)-th mean of two from either end bounds the interval.
    c = sum(cumulated <= tail for cumulated in accumulate(_subset_sums(range(1, n + 1)))) - 1
    if c < 0:
        return -math.inf, math.inf
    return _walsh(differences, -math.inf)[c], _walsh(differences, math.inf)[-1 - c]


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
    """Means of all pairs, each value with itself too, in order; `unknown` where inf meets -inf."""
    means = ((x + y) / 2 for i, x in enumerate(values) for y in values[i:])
    return sorted(unknown if math.isnan(mean) else mean for mean in means)


def _median(values: list[float]) -> float:
    low, high = values[(len(values) - 1) // 2], values[len(values) // 2]
    return low if low == high else (low + high) / 2
