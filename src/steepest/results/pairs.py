"""Scores of two arms on the same seeds become differences; a diverged trial stays in as the worst of all."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from steepest.core.errors import UsageError

ROUNDING = 1e-12  # of the largest score: differences below it are rounding, not training


@dataclass(frozen=True)
class Pairs:
    """Scores of A and B, seed by seed, turned so that higher is better; -inf marks a diverged trial."""

    a: list[float]
    b: list[float]

    @property
    def n(self) -> int:
        return len(self.a)

    @cached_property
    def differences(self) -> list[float]:
        """A - B per seed: -inf where only A diverged, inf where only B did, 0 where both."""
        return [0.0 if x == y == -math.inf else x - y for x, y in zip(self.a, self.b)]

    @cached_property
    def diverged_a(self) -> int:
        return self.a.count(-math.inf)

    @cached_property
    def diverged_b(self) -> int:
        return self.b.count(-math.inf)

    @cached_property
    def n_informative(self) -> int:
        """Pairs that say anything about the difference: where both diverged, nothing was compared."""
        return sum(not x == y == -math.inf for x, y in zip(self.a, self.b))

    @cached_property
    def rounding(self) -> float:
        return ROUNDING * max((abs(x) for x in self.a + self.b if x != -math.inf), default=0.0)

    @cached_property
    def are_identical(self) -> bool:
        return all(abs(d) <= self.rounding for d in self.differences)

    @cached_property
    def vary(self) -> bool:
        """True where the differences have a mean and a spread, so that a t-test has something to divide by."""
        return self.diverged_a + self.diverged_b == 0 and self.n > 1 and self.sd > self.rounding

    @cached_property
    def ranked(self) -> list[float]:
        """The differences as ranks see them: rounding counts as equal, for a rank must not hang on a last bit."""
        if self.are_identical:
            return [0.0] * self.n
        if self.n > 1 and self.diverged_a + self.diverged_b == 0 and not self.vary:
            return [self.mean] * self.n
        return [0.0 if abs(d) <= self.rounding else d for d in self.differences]

    @cached_property
    def mean(self) -> float:
        return statistics.fmean(self.differences)

    @cached_property
    def sd(self) -> float:
        return statistics.stdev(self.differences)

    @cached_property
    def seed_sd(self) -> float:
        """How far one arm's scores lie apart over seeds: root of both arms' mean variance; 0 when nothing is known."""
        finite = [[x for x in scores if x != -math.inf] for scores in (self.a, self.b)]
        variances = [statistics.variance(scores) for scores in finite if len(scores) > 1]
        return math.sqrt(statistics.fmean(variances)) if variances else 0.0


def pair(a_scores: Iterable[float], b_scores: Iterable[float], best: str = "max") -> Pairs:
    """A score that is not finite marks a diverged trial. UsageError when the arms have not the same number of seeds."""
    a, b = turned(a_scores, best), turned(b_scores, best)
    if len(a) != len(b):
        raise UsageError(
            where="paired scores",
            seen=f"{len(a)} scores of the first arm meet {len(b)} of the second",
            needed="one score per seed of each arm, in the same order of seeds, was needed",
            repair="Give NaN where a trial diverged; leave out a seed for both arms or for none.",
        )
    return Pairs(a, b)


def turned(scores: Iterable[float], best: str) -> list[float]:
    """The scores with higher as better, -inf where a trial diverged."""
    if best not in ("max", "min"):
        raise UsageError(
            where="best",
            seen=f"it is {best!r}",
            needed="'max' or 'min' was needed",
            repair="Say whether a higher score is better ('max') or a lower one ('min').",
        )
    sign = 1.0 if best == "max" else -1.0
    return [sign * float(x) if math.isfinite(x) else -math.inf for x in scores]
