"""What a number of seeds can find, before and after they are spent. Effects are in sd of the paired differences."""

from __future__ import annotations

import math

from steepest.core.errors import UsageError

MOST_SEEDS = 10_000_000
LARGE = 5_000  # seeds


def power_of(effect: float, n: int, alpha: float = 0.05, sides: int = 2, overlap: float = 0.0) -> float:
    """Chance that a paired t-test on n seeds finds a true difference of `effect` sd (in its direction).

    overlap: test samples over training samples, where the splits of the seeds overlap; see paired_difference.
    """
    from scipy.special import nctdtr, ndtr, stdtrit

    if n < 2:
        return 0.0
    shift, critical = abs(effect) / math.sqrt(1 / n + overlap), float(stdtrit(n - 1, 1 - alpha / sides))
    exact = math.nan if n > LARGE else float(1 - nctdtr(n - 1, shift, critical))
    if math.isnan(exact):  # scipy gives up on large numbers, where the normal curve differs by less than 1e-4
        return float(ndtr((shift - critical) / math.sqrt(1 + critical**2 / (2 * (n - 1)))))
    return exact


def seeds_for_power(
    effect: float, alpha: float = 0.05, power: float = 0.8, sides: int = 2, overlap: float = 0.0
) -> int:
    """The fewest seeds whose paired t-test finds a true difference of `effect` sd with this power. For 1 sd: 10.

    At most MOST_SEEDS: where splits overlap, no number of them may be enough.
    """
    if not abs(effect) > 0:
        raise UsageError(
            where="seeds_for_power",
            seen=f"the effect is {effect}",
            needed="a difference other than 0 was needed",
            repair="No number of seeds finds a difference that is not there; give the smallest one that matters.",
        )
    high = 2
    while power_of(effect, high, alpha, sides, overlap) < power:
        high *= 2
        if high > MOST_SEEDS:
            return MOST_SEEDS
    low = high // 2  # too few, or 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(effect, middle, alpha, sides, overlap) >= power else (middle, high)
    return high


def smallest_difference(
    sd: float, n: int, alpha: float = 0.05, power: float = 0.8, sides: int = 2, overlap: float = 0.0
) -> float:
    """The smallest true difference that n seeds find with this power, in the unit of `sd`; infinite below two seeds.

    sd: of the paired differences.
    """
    from scipy.optimize import brentq

    if n < 2:
        return math.inf
    if sd == 0:
        return 0.0
    high = 1.0
    while power_of(high, n, alpha, sides, overlap) < power:
        high *= 2
    return sd * float(brentq(lambda effect: power_of(effect, n, alpha, sides, overlap) - power, 0.0, high))


def seeds_for_equivalence(
    difference: float, rope: float, sd: float, alpha: float = 0.05, power: float = 0.8, overlap: float = 0.0
) -> int | None:
    """Seeds after which the whole interval lies inside +-rope with this power, if the true difference is `difference`.

    None when it never will: the difference itself reaches the region's edge, or splits overlap too much. Two one-sided
    tests at alpha / 2, normal theory with the t quantile's correction. Source: Schuirmann 1987, doi:10.1007/BF01068419
    """
    from scipy.special import ndtri

    room = rope - abs(difference)
    if room <= 0:
        return None
    # Near the middle either bound may fail, so each gets half of the error; near an edge only that one can.
    tails = ndtri(1 - alpha / 2) + ndtri(1 - (1 - power) / (2 if abs(difference) < rope / 4 else 1))
    share = (room / (tails * sd)) ** 2 - overlap if sd > 0 else math.inf
    return min(MOST_SEEDS, math.ceil(1 / share + ndtri(1 - alpha / 2) ** 2 / 2)) if share > 0 else None
