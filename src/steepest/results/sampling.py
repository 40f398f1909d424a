"""Would other samples say the same? Intervals of a difference that cover the drawing of the test samples too.

Seeds vary split, initialisation and batch order; the samples at hand stay the same. On a small test part a few lucky ones can
make a difference that every seed repeats.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace

from steepest.results.estimate import t_quantile
from steepest.results.pairs import Pairs
from steepest.results.records import Difference

N_PARTS = 20
"""Parts of the test samples that are left out in turn."""


def jackknife_variance(left_out: Sequence[float]) -> float:
    """Variance of an estimate over samples, from its values with each of N equal parts of them left out.

    On average rather too large than too small: Efron & Stein 1981, doi:10.1214/aos/1176345462.
    """
    n = len(left_out)
    return (n - 1) * statistics.pvariance(left_out)


def with_samples(d: Difference, pairs: Pairs, left_out: Sequence[float], overlap: float) -> Difference:
    """The difference with the interval for other samples, and "better" only where that interval leaves 0 out as well.

    left_out: the mean difference over seeds with each part of the one test part left out. overlap: where every seed drew its
    own test part, test samples over training samples (see paired_difference); left_out is not read then.
    As it is where a trial diverged, the differences do not vary, or nothing is known about the samples.
    """
    if d.method != "paired t" or not pairs.vary or (not overlap and len(left_out) < 2):
        return d
    of_seeds, freedom = pairs.sd**2 / pairs.n, pairs.n - 1.0
    of_samples = pairs.sd**2 * overlap if overlap else jackknife_variance(left_out)
    total = of_seeds + of_samples
    if not overlap:  # Satterthwaite 1946: degrees of freedom of a sum of variances
        freedom = total**2 / (of_seeds**2 / freedom + of_samples**2 / (len(left_out) - 1))
    half = t_quantile(freedom + 1, d.level) * math.sqrt(total)
    low, high = d.difference - half, d.difference + half
    verdict = d.verdict
    if verdict in ("better", "worse") and low <= 0 <= high:
        verdict = f"probably {verdict}"
    return replace(d, sample_low=low, sample_high=high, verdict=verdict)
