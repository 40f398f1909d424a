"""How numbers are written: shares as points with one decimal, other metrics with as many digits as the seeds can resolve."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

from steepest.results.records import Study

from .names import clean

NONE = "–"


@dataclass(frozen=True)
class Scale:
    """Turns values in the metric's own scale into what the reader sees."""

    metric: str
    unit: str
    factor: float
    decimals: int
    rises: bool

    @property
    def axis(self) -> str:
        return f"{self.metric} (points)" if self.factor == 100 else self.metric

    @property
    def points(self) -> str:
        """The unit of a difference, after a number."""
        return " points" if self.factor == 100 else ""

    @property
    def best(self) -> float:
        """What no score exceeds: shares end at 100 points."""
        return 100.0 if self.factor == 100 and self.rises else math.inf

    @property
    def sign(self) -> float:
        """Differences are positive when the first is better: a metric that falls is turned."""
        return 1.0 if self.rises else -1.0

    def shown(self, value: float) -> float:
        return value * self.factor

    def score(self, value: float | None) -> str:
        """NaN and None are a dash; a bound may be infinite, where a trial diverged."""
        if value is None or math.isnan(value):
            return NONE
        return self._written(value, "") if math.isfinite(value) else minus("∞" if value > 0 else "-∞")

    def change(self, value: float | None) -> str:
        return self.score(value) if value is None or not math.isfinite(value) else self._written(value, "+")

    def interval(self, low: float | None, high: float | None) -> str:
        known = low is not None and high is not None and not math.isnan(low) and not math.isnan(high)
        return f"[{self.score(low)}, {self.score(high)}]" if known else "[no interval]"

    def _written(self, value: float, sign: str) -> str:
        """A value that would round to zero gets up to two digits more: whether a bound lies above zero must be seen."""
        if self.decimals > 8:
            return minus(f"{self.shown(value):{sign}.3e}")
        texts = (f"{self.shown(value):{sign},.{self.decimals + more}f}" for more in (0, 1, 2))
        return minus(unsigned_zero(next((t for t in texts if t.strip("+-0.") or value == 0), "0")))


def scale_of(study: Study) -> Scale:
    plan = study.plan
    shares = plan.unit == "points"
    decimals = 1 if shares else _decimals(study)
    return Scale(clean(plan.metric, 60), clean(plan.unit, 60), 100.0 if shares else 1.0, decimals, plan.best == "max")


def _decimals(study: Study) -> int:
    """Two digits of an arm's spread over its seeds, the middle one of the arms: what lies below is noise of the seeds.

    Of the last phase that has begun: a search knows bad learning rates, whose scores lie far apart.
    """
    phases = {rung.name: rung.phase for rung in study.plan.rungs}
    of_phase: dict[str, dict[tuple[str, float], list[float]]] = {}
    for o in study.outcomes:
        if math.isfinite(o.final()):
            arms = of_phase.setdefault(phases.get(o.rung, o.rung.split(" ")[0]), {})
            arms.setdefault((o.arm, o.learning_rate), []).append(o.final())
    arms = next((of_phase[phase] for phase in ("confirm", "race", "search") if phase in of_phase), {})
    spreads = [statistics.stdev(scores) for scores in arms.values() if len(set(scores)) > 1]
    if not spreads:
        return 4
    return min(9, max(0, 1 - math.floor(math.log10(statistics.median(spreads)))))


def unsigned_zero(text: str) -> str:
    """Zero has no sign."""
    return text if text.strip("+-0.") else text.lstrip("+-")


def minus(text: str) -> str:
    """The minus sign in place of the hyphen."""
    return text.replace("-", "−")


def rate(value: float | None) -> str:
    """A learning rate: two digits."""
    return NONE if value is None or not math.isfinite(value) else f"{value:.2g}"


def probability(p: float | None) -> str:
    """Two digits, but never certain."""
    if p is None or not math.isfinite(p):
        return NONE
    return "> 0.99" if p > 0.99 else "< 0.01" if p < 0.01 else f"{p:.2f}"


def p_value(p: float | None) -> str:
    if p is None or not math.isfinite(p):
        return NONE
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"


def duration(seconds: float) -> str:
    """`7.4 s`, `3 min 05 s`, `2 h 10 min`."""
    if not math.isfinite(seconds):
        return NONE
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02d} min"


def amount(value: float) -> str:
    """A count that may be fractional: `4,600`, `12.5`."""
    if not math.isfinite(value):
        return NONE
    return f"{value:,.0f}" if value >= 100 or float(value).is_integer() else f"{value:,.1f}"
