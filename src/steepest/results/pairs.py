"""Scores of two arms on the same seeds become differences; a diverged trial stays in as the worst of all."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from steepest.core.errors import UsageError

ROUNDING = 1e-12  # of the largest score: differences below it are rounding, not training


@dataclass(frozen=True)
class Pairs:
    """differences: A - B per seed, positive when A is better; -inf if only A diverged, inf if only B, 0 if both.

    seed_sd: spread of an arm's scores over seeds, pooled over both arms (0 when nothing can be said).
    """

    differences: list[float]
    diverged_a: int
    diverged_b: int
    diverged_both: int
    seed_sd: float
    rounding: float

    @property
    def n(self) -> int:
        return len(self.differences)

    @property
    def has_diverged(self) -> bool:
        return self.diverged_a + self.diverged_b > 0

    @property
    def n_informative(self) -> int:
        """Pairs that say anything about the difference: where both diverged, nothing was compared."""
        return self.n - self.diverged_both

    @property
    def are_identical(self) -> bool:
        return all(abs(d) <= self.rounding for d in self.differences)


def pair(a_scores: Iterable[float], b_scores: Iterable[float], best: str = "max") -> Pairs:
    """A score that is not finite marks a diverged trial. UsageError when the arms have not the same number of seeds."""
    a, b = [float(x) for x in a_scores], [float(x) for x in b_scores]
    if len(a) != len(b):
        raise UsageError(
            where="paired scores",
            seen=f"{len(a)} scores of the first arm meet {len(b)} of the second",
            needed="one score per seed of each arm, in the same order of seeds, was needed",
            repair="Give NaN where a trial diverged; leave out a seed for both arms or for none.",
        )
    sign = sign_of(best)
    finite = [x for x in a + b if math.isfinite(x)]
    return Pairs(
        differences=[_difference(x, y, sign) for x, y in zip(a, b)],
        diverged_a=sum(not math.isfinite(x) for x in a),
        diverged_b=sum(not math.isfinite(x) for x in b),
        diverged_both=sum(not (math.isfinite(x) or math.isfinite(y)) for x, y in zip(a, b)),
        seed_sd=_pooled_sd(a, b),
        rounding=ROUNDING * max((abs(x) for x in finite), default=0.0),
    )


def sign_of(best: str) -> float:
    if best not in ("max", "min"):
        raise UsageError(
            where="best",
            seen=f"it is {best!r}",
            needed="'max' or 'min' was needed",
            repair="Say whether a higher score is better.",
        )
    return 1.0 if best == "max" else -1.0


def _difference(a: float, b: float, sign: float) -> float:
    if math.isfinite(a) and math.isfinite(b):
        return sign * (a - b)
    return math.inf * (math.isfinite(a) - math.isfinite(b)) if math.isfinite(a) != math.isfinite(b) else 0.0


def _pooled_sd(a: list[float], b: list[float]) -> float:
    """Root of the mean of the two arms' variances, over the trials that did not diverge."""
    finite = [[x for x in scores if math.isfinite(x)] for scores in (a, b)]
    variances = [statistics.variance(scores) for scores in finite if len(scores) > 1]
    return math.sqrt(statistics.fmean(variances)) if variances else 0.0
