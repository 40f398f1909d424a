"""Two models on the same rows: which of them is better, and how sure is that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from steepest.core.errors import DataError

from .answers import Answers
from .numbers import chosen, rows_of
from .record import Number


@dataclass(frozen=True)
class Comparison:
    """Differences a - b of every number, by a paired bootstrap. only_a, only_b: rows that only one of them had right;
    p: McNemar's exact test that both are right equally often (None for numbers)."""

    a: str
    b: str
    n: int
    level: float
    differences: Sequence[Number]
    only_a: int | None = None
    only_b: int | None = None
    p: float | None = None

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def sentence(self) -> str:
        """The first number in words."""
        d = self.differences[0]
        better = (d.value > 0) == (d.best == "max")
        names = (self.a, self.b) if better else (self.b, self.a)
        range_ = f"difference {d.value:+.4g} [{d.low:+.4g}, {d.high:+.4g}] at {self.level:.0%}"
        if d.low <= 0 <= d.high:
            return f"{d.name} does not tell {self.a} and {self.b} apart: {range_}."
        return f"{names[0]} is better than {names[1]} by {d.name}: {range_}."

    def __str__(self) -> str:
        lines = [
            self.sentence,
            *(f"  {d.name:28} {d.value:+.4g} [{d.low:+.4g}, {d.high:+.4g}]" for d in self.differences),
        ]
        if self.p is not None:
            lines.append(f"Right in one only: {self.only_a} and {self.only_b} rows; McNemar's exact p = {self.p:.2g}.")
        return "\n".join(lines)


def compared(a: Answers, b: Answers, names: tuple[str, str], metrics: Any, level: float) -> Comparison:
    """Raises DataError where the two were not asked about the same rows."""
    if a.kind != b.kind or a.target.shape != b.target.shape or not torch.equal(a.target, b.target):
        raise DataError(
            where="against",
            seen=f"{names[0]} was evaluated on {len(a)} rows and {names[1]} on {len(b)}, or their targets differ",
            needed="the same rows in the same order were needed",
            consequence="The difference of two samples would count as a difference of the models.",
            repair="Evaluate both on the same data, a loader without shuffling.",
        )
    both = [one for one in chosen(metrics, a) if b.has_probabilities or not one[0].asks_from_logits]
    differences = []
    for metric, hyper in both:
        (rows_a, groups), (rows_b, _) = rows_of(metric, a), rows_of(metric, b)
        d = metric.difference(rows_a, rows_b, level=level, groups=groups, **hyper)
        value, low, high = (float(v) for v in (d.value, d.low, d.high))
        differences.append(Number(metric.name, value, low, high, metric.unit, metric.best, d.method, d.note))
    if a.kind not in ("classification", "multilabel"):
        return Comparison(*names, len(a), level, differences)
    only_a, only_b = (int(((one.is_right == 1) & (other.is_right != 1)).sum()) for one, other in ((a, b), (b, a)))
    return Comparison(*names, len(a), level, differences, only_a, only_b, mcnemar(only_a, only_b))


def mcnemar(only_a: int, only_b: int) -> float:
    """Exact two-sided p of equal chances, given the rows that only one model had right.

    Source: McNemar 1947, Psychometrika 12, 153-157; exact by the binomial distribution.
    """
    from scipy.stats import binomtest

    n = only_a + only_b
    return float(binomtest(only_a, n, 0.5).pvalue) if n else 1.0
