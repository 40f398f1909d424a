"""Is A better than B, how sure is that, and if it is unsure, how many more seeds would tell?

Plain numbers in, plain numbers out; scores of two arms come in the same order of seeds, NaN marks a diverged trial.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from typing import NamedTuple

from steepest.core.errors import UsageError
from steepest.results.estimate import Estimate, estimate, t_quantile
from steepest.results.pairs import Pairs, pair, turned
from steepest.results.power import power_of, seeds_for_equivalence, seeds_for_power, smallest_difference
from steepest.results.racing import alpha_at, alpha_spent, holm, race_step
from steepest.results.records import Difference
from steepest.results.winning import chance_interval, chance_to_win

__all__ = [
    "Interval",
    "alpha_at",
    "alpha_spent",
    "holm",
    "mean_interval",
    "paired_difference",
    "power_of",
    "probability_better",
    "race_step",
    "seeds_for_equivalence",
    "seeds_for_power",
    "smallest_difference",
    "verdict_of",
]

PROBABLY = 0.75  # P(A > B) from which a difference is worth acting on: Bouthillier et al. 2021, arXiv 2103.03098
NORMAL = statistics.NormalDist()
EFFECT_OF_PROBABLY = NORMAL.inv_cdf(PROBABLY)
ROPE_SHARE = 0.25
TOO_MANY_SEEDS = 10_000


class Interval(NamedTuple):
    centre: float
    low: float
    high: float


def paired_difference(
    a_scores: Iterable[float],
    b_scores: Iterable[float],
    *,
    a: str = "A",
    b: str = "B",
    best: str = "max",
    level: float = 0.95,
    rope: float | None = None,
    overlap: float = 0.0,
) -> Difference:
    """A minus B on paired seeds: interval, p value, P(A > B), effect size, verdict; positive when A is better.

    rope: differences up to this size (in the metric's scale) do not matter. None: a quarter of the seeds' standard
      deviation, that is the spread of *one arm's scores over seeds*, pooled over both arms. Not of the differences:
      it shrinks with good pairing, the region would shrink with it, and nothing could ever be found equivalent.
    Every trial finite: paired t. overlap: where every seed draws training and test samples anew from the same data,
      the splits overlap and seeds are not independent; test samples over training samples, added to 1/n, corrects the
      variance for it: Nadeau & Bengio 2003, doi:10.1023/A:1024068626366.
    A trial diverged (its score is not finite): a difference has no mean then, and dropping the seed would reward the
      arm for it. The seed counts as an infinite loss for the arm that diverged, as a tie where both did. The p value is
      that of the exact signed-rank test, `difference` the Hodges-Lehmann estimate, low and high bound it (infinite
      where a divergence is within reach), P(A > B) and the effect size come from the share of seeds won; `method` says
      "signed rank". So at 10 seeds an arm that diverged once is never found better.
    Differences that are all the same, though not 0 (a coarse metric, few seeds): by rank as well; t would be infinite.
    Identical scores on two seeds or more: equivalent. Fewer than two seeds with a score on either side: undecided.
    """
    _require_share(level, "level")
    _require_overlap(overlap)
    pairs = pair(a_scores, b_scores, best)
    rope = ROPE_SHARE * pairs.seed_sd if rope is None else _require_rope(rope)
    found, p_better = estimate(pairs, level, overlap), chance_to_win(pairs)
    verdict = verdict_of(found.low, found.high, rope, p_better)
    p_better_low, p_better_high = chance_interval(pairs, level, overlap)
    return Difference(
        a=a,
        b=b,
        difference=found.difference,
        low=found.low,
        high=found.high,
        level=level,
        n=pairs.n,
        p_value=found.p_value,
        p_better=p_better,
        effect_size=pairs.mean / pairs.sd if pairs.vary else NORMAL.inv_cdf(p_better),
        rope=rope,
        verdict=verdict,
        more_seeds=_more_seeds(pairs, found, rope, 1 - level, overlap) if verdict == "undecided" else None,
        method=found.method,
        diverged_a=pairs.diverged_a,
        diverged_b=pairs.diverged_b,
        p_better_low=p_better_low,
        p_better_high=p_better_high,
    )


def verdict_of(low: float, high: float, rope: float, p_better: float) -> str:
    """The verdict in words, from the interval of the difference, the region of practical equivalence and P(A > B).

    better: the whole interval lies above the region. equivalent: all of it lies inside. probably better: it lies above
    0, reaches into the region, and A wins on at least 75 % of fresh seeds. Likewise downward; else undecided: a difference
    that fewer seeds show may be above 0 and yet be that of two learning rates, which chance had a part in choosing.
    """
    if low > rope:
        return "better"
    if high < -rope:
        return "worse"
    if -rope <= low and high <= rope:
        return "equivalent"
    if low > 0 and p_better >= PROBABLY:
        return "probably better"
    if high < 0 and p_better <= 1 - PROBABLY:
        return "probably worse"
    return "undecided"


def probability_better(a_scores: Iterable[float], b_scores: Iterable[float], best: str = "max") -> float:
    """P(A > B) on a fresh seed, by the same estimate as paired_difference; a tie counts half."""
    return chance_to_win(pair(a_scores, b_scores, best))


def mean_interval(
    scores: Iterable[float],
    level: float = 0.95,
    best: str = "max",
    limits: tuple[float, float] = (-math.inf, math.inf),
) -> Interval:
    """(centre, low, high) of one arm's scores over seeds: mean and t interval; low and high are NaN below two seeds.

    limits: what a score can be, (0, 1) for shares; the interval is cut there, which changes nothing of what it covers.

    When a trial diverged there is no mean: the centre is the median, with the diverged trials as the worst, and the
    bounds are the order statistics that cover it (infinite where a divergence is within reach).
    """
    _require_share(level, "level")
    values = [float(x) for x in scores]
    if not values:
        return Interval(math.nan, math.nan, math.nan)
    if not all(math.isfinite(x) for x in values):
        return _median_interval(turned(values, best), level, 1.0 if best == "max" else -1.0)
    centre = statistics.fmean(values)
    if len(values) < 2:
        return Interval(centre, math.nan, math.nan)
    half = t_quantile(len(values), level) * statistics.stdev(values) / math.sqrt(len(values))
    return Interval(centre, max(centre - half, limits[0]), min(centre + half, limits[1]))


def _more_seeds(pairs: Pairs, found: Estimate, rope: float, alpha: float, overlap: float) -> int | None:
    """Seeds to add until a verdict falls in 80 % of cases, if what was seen so far is the truth. None: out of reach."""
    if pairs.n_informative < 2:
        return None
    needed = (
        _seeds_by_t(pairs, rope, alpha, overlap) if found.method == "paired t" else _seeds_by_rank(pairs, found, alpha)
    )
    return max(1, needed - pairs.n) if needed is not None and needed < TOO_MANY_SEEDS else None


def _seeds_by_t(pairs: Pairs, rope: float, alpha: float, overlap: float) -> int | None:
    """The nearest of the verdicts that this mean and sd can lead to."""
    mean, effect = abs(pairs.mean), abs(pairs.mean) / pairs.sd
    needed = [seeds_for_equivalence(mean, rope, pairs.sd, alpha, overlap=overlap)]
    if mean > rope:  # better
        needed.append(seeds_for_power((mean - rope) / pairs.sd, alpha, overlap=overlap))
    if effect > EFFECT_OF_PROBABLY:  # probably better: above 0, and an effect whose estimate shows 75 % wins
        spread = math.sqrt(1 + effect**2 / 2)
        shown = (NORMAL.inv_cdf(0.8) * spread / (effect - EFFECT_OF_PROBABLY)) ** 2
        needed.append(max(seeds_for_power(effect, alpha, overlap=overlap), math.ceil(min(shown, TOO_MANY_SEEDS))))
    return min((n for n in needed if n is not None), default=None)


def _seeds_by_rank(pairs: Pairs, found: Estimate, alpha: float) -> int | None:
    """As many as lead the test's own lean so far beyond alpha; if all seeds agree, as many as can."""
    if all(d > 0 for d in pairs.differences) or all(d < 0 for d in pairs.differences):
        return math.ceil(math.log2(2 / alpha))
    lean = NORMAL.inv_cdf(1 - found.p_value / 2) / math.sqrt(pairs.n)
    return seeds_for_power(lean, alpha) if lean > 0 else None


def _median_interval(turned_scores: list[float], level: float, sign: float) -> Interval:
    """Order statistics around the median, by the sign test: valid whatever the distribution."""
    ordered, n = sorted(turned_scores), len(turned_scores)
    tail = (1 - level) / 2 * 2**n
    rejected, ways = 0, 1  # how many scores on either side the test gives up; ways to have at most so many on one side
    while ways <= tail:
        rejected += 1
        ways += math.comb(n, rejected)
    low, high = (ordered[rejected - 1], ordered[n - rejected]) if rejected else (-math.inf, math.inf)
    below, above = ordered[(n - 1) // 2], ordered[n // 2]
    centre = below if below == above else (below + above) / 2
    return Interval(sign * centre, *sorted((sign * low, sign * high)))


def _require_share(value: float, name: str) -> None:
    if not 0 < value < 1:
        raise UsageError(
            where=name,
            seen=f"it is {value}",
            needed="a share between 0 and 1 was needed",
            repair=f"For 95 % give {name}=0.95.",
        )


def _require_overlap(overlap: float) -> None:
    if not 0 <= overlap < math.inf:
        raise UsageError(
            where="overlap",
            seen=f"it is {overlap}",
            needed="the number of test samples over that of training samples was needed",
            repair="0 where all seeds share one test part.",
        )


def _require_rope(rope: float) -> float:
    if not 0 <= rope < math.inf:
        raise UsageError(
            where="rope",
            seen=f"it is {rope}",
            needed="a difference of 0 or more, in the metric's own scale, was needed",
            repair="Give the largest difference that does not matter to you; None: a quarter of the seeds' deviation.",
        )
    return float(rope)
