"""What an evaluation found, as plain values: nothing here knows the model or the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Number:
    """A value with its interval. note: why the interval may be too narrow. best: "max" or "min"."""

    name: str
    value: float
    low: float
    high: float
    unit: str = ""
    best: str = "max"
    method: str = ""
    note: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"


@dataclass(frozen=True)
class ClassRow:
    """One class. support: its true samples; predicted: how often it was said."""

    name: str
    support: int
    predicted: int
    numbers: Sequence[Number]


@dataclass(frozen=True)
class Pair:
    """n samples of `true` were called `predicted`: a share of the true ones, with its interval."""

    true: str
    predicted: str
    n: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Sample:
    """A row of the data, counted from 0, and what it costs."""

    row: int
    loss: float
    true: str
    predicted: str
    confidence: float | None = None


@dataclass(frozen=True)
class Suspect:
    """A row whose label may be wrong: the model would say `likely`."""

    row: int
    given: str
    likely: str
    p_given: float
    p_likely: float


@dataclass(frozen=True)
class Bin:
    """Samples with like confidence: how sure the model was of them, and how often it was right."""

    n: int
    confidence: float
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Calibration:
    """bins: the reliability diagram. temperature: by which logits are divided, fitted on n_fitted rows that `before`
    and `after` have not seen."""

    bins: Sequence[Bin]
    temperature: Number | None = None
    n_fitted: int = 0
    n_rest: int = 0
    before: Sequence[Number] = ()
    after: Sequence[Number] = ()


@dataclass(frozen=True)
class Threshold:
    """Class `of` from this probability on, chosen by `rule` on n_chosen rows; the numbers are of n_rest other rows."""

    rule: str
    of: str
    value: float
    n_chosen: int
    n_rest: int
    chosen: Sequence[Number]
    usual: Sequence[Number]


@dataclass(frozen=True)
class Point:
    """Of a curve: where it is, how high, and the band of that."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class ClassCurves:
    """A class against all others. roc: false alarms (share of others), found (share of the class); precision_recall:
    found, right of those said. chosen: false alarms, found and right at the chosen threshold, of two classes."""

    name: str
    support: int
    area: Number
    precision: Number
    roc: Sequence[Point]
    precision_recall: Sequence[Point]
    chosen: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Slice:
    """n rows against all others: score and difference with intervals, p corrected for the number of slices (Holm)."""

    name: str
    n: int
    score: float
    low: float
    high: float
    rest: float
    difference: float
    difference_low: float
    difference_high: float
    p: float
    p_holm: float
    note: str = ""

    @property
    def is_different(self) -> bool:
        return self.p_holm < 0.05


@dataclass(frozen=True)
class Residuals:
    """Target minus prediction of one column: mean, quantiles, and a thinned cloud of (prediction, residual)."""

    name: str
    bias: Number
    quantiles: dict[str, float]
    cloud: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Findings:
    """All of it. score: what slices are compared by."""

    task: str
    model: str
    data: str
    n: int
    level: float
    loss: str
    score: str
    numbers: Sequence[Number]
    classes: Sequence[ClassRow] = ()
    confusion: Sequence[Sequence[float]] = ()
    confused: Sequence[Pair] = ()
    costly: Sequence[Sample] = ()
    suspects: Sequence[Suspect] = ()
    n_suspects: int = 0
    calibration: Calibration | None = None
    threshold: Threshold | None = None
    curves: Sequence[ClassCurves] = ()
    slices: Sequence[Slice] = ()
    residuals: Sequence[Residuals] = ()
    notes: Sequence[str] = ()
    versions: dict[str, str] = field(default_factory=dict)
    command: str = ""

    def plain(self) -> dict[str, Any]:
        """Dictionaries and lists of numbers and words."""
        return asdict(self)
