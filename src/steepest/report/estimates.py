"""Means with intervals, and paired comparisons, as the sections want them: diverged trials told apart, one seed gives no interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from steepest.results import evidence
from steepest.results.records import Difference

from .view import View

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """Mean over the n trials that did not diverge, with its interval; low and high are NaN where n < 2."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def has_interval(self) -> bool:
        return math.isfinite(self.low) and math.isfinite(self.high)


def estimate(scores: Sequence[float], limits: tuple[float, float] = (-math.inf, math.inf)) -> Estimate | None:
    """None when no score is finite. limits: what a score can be."""
    finite = [s for s in scores if math.isfinite(s)]
    if not finite:
        return None
    if len(finite) < 2:
        return Estimate(finite[0], math.nan, math.nan, 1)
    found = evidence.mean_interval(finite, LEVEL, limits=limits)
    low, high = (math.nan if v is None else v for v in (found.low, found.high))
    return Estimate(sum(finite) / len(finite), low, high, len(finite))


def compare_pairs(view: View, a: str, b: str) -> tuple[Difference, str] | None:
    """A against B as the verdict found it, else on the seeds that both ran; and the phase. None where there are not two, or nothing finite."""
    claimed = next((d for d in view.verdict.confirmation if (d.a, d.b) == (a, b)), None) if view.verdict else None
    if claimed is not None:
        return claimed, "confirm"
    pairs = view.pairs(a, b)
    if pairs is None or sum(math.isfinite(x - y) for x, y in zip(pairs.a, pairs.b)) < 2:
        return None
    found = evidence.paired_difference(
        pairs.a, pairs.b, a=a, b=b, best=view.plan.best, level=LEVEL, rope=rope_of(view) or 0.0
    )
    return found, pairs.phase


def rope_of(view: View) -> float | None:
    """The difference that does not matter: as the verdict used it, else as the plan says."""
    if view.verdict and view.verdict.confirmation:
        return view.verdict.confirmation[0].rope
    return view.plan.rope
