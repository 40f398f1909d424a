"""Domains: what values a hyperparameter may take, said once, so that validation, explanation, tests and search all agree.

A loss annotates its hyperparameters with them: `delta: Positive = 1.0`. Type checkers see `float | Tensor`.
A choice of a few words is annotated `Literal["min", "max"]`.
"""

from __future__ import annotations

import math
import numbers
import types
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import torch
from torch import Tensor

from .errors import DomainError


@dataclass(frozen=True)
class Interval:
    """Real numbers between low and high; an open end is not allowed itself."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def explain(self) -> str:
        if self.low == -math.inf and self.high == math.inf:
            return "a finite number"
        if self.high == math.inf:
            return f"a number {'>' if self.open_low else '>='} {self.low:g}"
        if self.low == -math.inf:
            return f"a number {'<' if self.open_high else '<='} {self.high:g}"
        return f"a number in {'(' if self.open_low else '['}{self.low:g}, {self.high:g}{')' if self.open_high else ']'}"

    def holds(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return math.isfinite(value) and above and below

    def allowed(self) -> list[float]:
        """Values inside, the closed ends and near-ends included."""
        low = self.low if math.isfinite(self.low) else (-2.0 if self.high > 0 else self.high - 4)
        high = self.high if math.isfinite(self.high) else low + 4
        points = [low + (high - low) * q for q in (0.05, 0.3, 0.5, 0.9)]
        ends = [end for end in (self.low, self.high) if math.isfinite(end) and self.holds(end)]
        return [p for p in points + ends if self.holds(p)]

    def forbidden(self) -> list[float]:
        """Values outside: beyond each end, open ends, and what is not finite."""
        outside = [math.nan, math.inf, -math.inf]
        for end, is_open, side in ((self.low, self.open_low, -1), (self.high, self.open_high, 1)):
            if math.isfinite(end):
                outside += [end + side * 0.5] + ([end] if is_open else [])
        return outside


@dataclass(frozen=True)
class Counts:
    """Whole numbers from low on."""

    low: int = 1

    def explain(self) -> str:
        return f"a whole number >= {self.low}"

    def holds(self, value: Any) -> bool:
        return isinstance(value, numbers.Integral) and not isinstance(value, bool) and int(value) >= self.low

    def allowed(self) -> list[int]:
        return [self.low, self.low + 1, self.low + 7]

    def forbidden(self) -> list[Any]:
        return [self.low - 1, self.low + 0.5, math.nan]


@dataclass(frozen=True)
class OneOf:
    """One of a few named values."""

    values: tuple[Any, ...]

    def explain(self) -> str:
        return "one of " + ", ".join(repr(v) for v in self.values)

    def holds(self, value: Any) -> bool:
        return any(value == v and type(value) is type(v) for v in self.values)

    def allowed(self) -> list[Any]:
        return list(self.values)

    def forbidden(self) -> list[Any]:
        return ["no such choice"]


@dataclass(frozen=True)
class PerClass:
    """A positive number for each class; as a table, a row of shares for each class. Plain lists or a tensor."""

    is_table: bool = False

    def explain(self) -> str:
        if self.is_table:
            return "a square table with a row of positive shares per class, each row of sum 1"
        return "a positive number for each class"

    def holds(self, value: Any) -> bool:
        if not isinstance(value, (list, tuple)) or len(value) < 2:
            return False
        if not self.is_table:
            return all(_is_positive(v) for v in value)
        square = all(isinstance(row, (list, tuple)) and len(row) == len(value) for row in value)
        return square and all(all(map(_is_positive, row)) and abs(sum(row) - 1) < 1e-3 for row in value)

    def allowed(self, n_classes: int = 4) -> list[Any]:
        if not self.is_table:
            return [[float(90 // 3**c + 1) for c in range(n_classes)], [2.0] * n_classes]
        table = []
        for a in range(n_classes):
            others = [0 if a == b else 1 + (2 * a + b) % 3 for b in range(n_classes)]
            table.append([0.8 if a == b else 0.2 * others[b] / sum(others) for b in range(n_classes)])
        return [table]

    def forbidden(self) -> list[Any]:
        row = [0.5, 0.5]
        return [1.0, [3.0], [5.0, 0.0], [5.0, math.nan], "ab"] if not self.is_table else [row, [row], [row, [0.5, 0.6]]]


@dataclass(frozen=True)
class Reals:
    """A fixed number of finite numbers."""

    n: int

    def explain(self) -> str:
        return f"{self.n} finite numbers"

    def holds(self, value: Any) -> bool:
        if not isinstance(value, (list, tuple)) or len(value) != self.n:
            return False
        return all(isinstance(v, numbers.Real) and math.isfinite(v) for v in value)

    def allowed(self) -> list[Any]:
        return [tuple(0.5 ** (i + 1) for i in range(self.n))]

    def forbidden(self) -> list[Any]:
        return [1.0, (1.0,) * (self.n + 1), (math.nan,) * self.n]


def _is_positive(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and 0 < float(value) < math.inf


Domain = Interval | Counts | OneOf | PerClass | Reals

Real = Annotated[float | Tensor, Interval()]
Positive = Annotated[float | Tensor, Interval(low=0.0, open_low=True)]
NonNegative = Annotated[float | Tensor, Interval(low=0.0)]
Unit = Annotated[float | Tensor, Interval(0.0, 1.0)]
UnitOpen = Annotated[float | Tensor, Interval(0.0, 1.0, open_high=True)]
UnitInside = Annotated[float | Tensor, Interval(0.0, 1.0, open_low=True, open_high=True)]
UnitPositive = Annotated[float | Tensor, Interval(0.0, 1.0, open_low=True)]
AboveOne = Annotated[float | Tensor, Interval(low=1.0, open_low=True)]
AtLeastOne = Annotated[float | Tensor, Interval(low=1.0)]
Count = Annotated[int, Counts()]
CountFromZero = Annotated[int, Counts(low=0)]
ClassCounts = Annotated[Sequence[float] | Tensor, PerClass()]
ClassTable = Annotated[Sequence[Sequence[float]] | Tensor, PerClass(is_table=True)]
Flag = Annotated[bool, OneOf((False, True))]


def domain_of(annotation: Any) -> Domain | None:
    """The domain inside an annotation (`Positive`, `Literal["min", "max"]`), or None."""
    options = [part for part in get_args(annotation) if part is not type(None)]
    if get_origin(annotation) in (Union, types.UnionType) and len(options) == 1:  # "or None": nothing given
        return domain_of(options[0])
    if get_origin(annotation) is Literal:
        return OneOf(get_args(annotation))
    known = (Interval, Counts, OneOf, PerClass, Reals)
    return next((m for m in getattr(annotation, "__metadata__", ()) if isinstance(m, known)), None)


def check_value(where: str, name: str, value: Any, domain: Domain | None) -> None:
    """Refuse a plain value outside its domain. Tensors pass: reading them would synchronise an accelerator and break transforms."""
    if domain is None or isinstance(value, Tensor):
        return
    if isinstance(domain, Interval):
        good = isinstance(value, numbers.Real) and not isinstance(value, bool) and domain.holds(float(value))
    else:
        good = domain.holds(value)
    if not good:
        raise DomainError(
            where=where,
            seen=f"{name} is {value!r}",
            needed=f"it must be {domain.explain()}",
            repair=f"Give {name} a value such as {domain.allowed()[0]!r}.",
        )


# -- search ranges: where a good value of a hyperparameter is looked for ---------------------------------------------------


@dataclass(frozen=True)
class Log:
    """Search log-uniformly between low and high."""

    low: float
    high: float

    def grid(self, n: int) -> list[float]:
        """n values, equally spaced in the logarithm, ends included."""
        a, b = math.log10(self.low), math.log10(self.high)
        return [10 ** ((a + b) / 2 if n == 1 else a + (b - a) * i / (n - 1)) for i in range(n)]

    def explain(self) -> str:
        return f"log-uniform {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Log1m:
    """Search 1 - value log-uniformly: the range of a decay rate such as beta. low and high bound 1 - value."""

    low: float
    high: float

    def grid(self, n: int) -> list[float]:
        return [1 - v for v in Log(self.low, self.high).grid(n)]

    def explain(self) -> str:
        return f"1 - value log-uniform {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Linear:
    """Search uniformly between low and high."""

    low: float
    high: float

    def grid(self, n: int) -> list[float]:
        return (
            [(self.low + self.high) / 2]
            if n == 1
            else [self.low + (self.high - self.low) * i / (n - 1) for i in range(n)]
        )

    def explain(self) -> str:
        return f"uniform {self.low:g} to {self.high:g}"


Search = Log | Log1m | Linear


def as_float64(value: float | Tensor) -> Tensor:
    """A hyperparameter as a float64 CPU tensor, one value or one per trial."""
    return (
        value.detach().to("cpu", torch.float64)
        if isinstance(value, Tensor)
        else torch.tensor(value, dtype=torch.float64)
    )
