"""The plain records of a study: what compare writes, the store keeps and the report draws, years later, without the model's code.

Every field is a plain value (numbers, strings, booleans, lists, dictionaries), so a record crosses a process, a disk and a version.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

R = TypeVar("R", bound="Record")


class Record:
    """A frozen dataclass that turns into a plain dictionary and back."""

    def plain(self) -> dict[str, Any]:
        return asdict(self)  # type: ignore[call-overload]

    @classmethod
    def of(cls: type[R], values: dict[str, Any]) -> R:
        """Unknown keys are dropped, so a newer store stays readable."""
        known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
        return cls(**{k: v for k, v in values.items() if k in known})


@dataclass(frozen=True)
class ArmRecord(Record):
    """loss x weighting x optimizer x schedule, each as the text that would choose it again.

    takes_counts: the study gave its loss the class counts of the training part. weighting_gives: the option of the loss that
    its weighting made. optimizer_class: its name in steepest.optim. untuned: where the learning rate is fixed, the optimizer
    without it.
    """

    name: str
    loss: str
    optimizer: str
    schedule: str
    weighting: str = "none"
    is_baseline: bool = False
    learning_rates: list[float] = field(default_factory=list)
    fixed_learning_rate: bool = False
    takes_counts: bool = False
    weighting_gives: str = "class_weight"
    optimizer_class: str = ""
    untuned: str = ""


@dataclass(frozen=True)
class RungRecord(Record):
    """A stretch of training after which trials may be dropped. phase: search, race or confirm."""

    name: str
    phase: str
    epochs: int
    seeds: list[int]


@dataclass(frozen=True)
class Plan(Record):
    """All that a study decided before it began; stored first, so that a resumed study repeats it."""

    arms: list[ArmRecord]
    rungs: list[RungRecord]
    metric: str
    best: str  # "max" or "min"
    unit: str  # "points" (a share times 100) or the unit of the metric
    task: str
    model: str
    data: dict[str, Any]  # name, n_samples, n_train, n_select, n_test, n_features, n_classes, fingerprint, class_names
    batch_size: int
    epochs: int
    budget: str
    budget_epochs: float
    max_seeds: int
    rope: float | None  # in the metric's own scale; None: a quarter of the seeds' standard deviation
    alpha: float
    seed: int
    engine: str
    device: str
    command: str
    python: str  # the call that repeats the study from Python
    versions: dict[str, str]
    forecast: str = ""
    n_parameters: int = 0
    request: dict[str, Any] = field(default_factory=dict)  # what was asked; the same request on the same folder resumes
    sources: dict[str, str] = field(default_factory=dict)  # item -> citation, of exactly what the arms use
    resampled: bool = False  # small data: every seed draws a test part of its own
    memory: int | None = None  # bytes for the trials that train together; None: the usual limits

    @classmethod
    def of(cls, values: dict[str, Any]) -> Plan:
        values = dict(values)
        values["arms"] = [a if isinstance(a, ArmRecord) else ArmRecord.of(a) for a in values["arms"]]
        values["rungs"] = [r if isinstance(r, RungRecord) else RungRecord.of(r) for r in values["rungs"]]
        return super().of(values)

    @property
    def limits(self) -> tuple[float, float]:
        """What a score can be: shares lie between 0 and 1."""
        return (0.0, 1.0) if self.unit == "points" else (-math.inf, math.inf)

    def arm(self, name: str) -> ArmRecord:
        return next(a for a in self.arms if a.name == name)


@dataclass(frozen=True)
class Outcome(Record):
    """What one finished trial measured. Scores are in the metric's own scale; NaN marks a diverged trial.

    test_score is None except in the confirmation: the test part is touched once.
    test_jackknife: test_score with each of some equal parts of the test samples left out, the same parts for every trial.
    curve: [epoch, score on the select part] pairs; loss_curve: [epoch, mean training loss] pairs.
    factors: of the summands of its loss at the end, where it learns them.
    """

    rung: str
    arm: str
    seed: int
    learning_rate: float
    epochs: float
    score: float
    diverged: bool
    test_score: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    curve: list[list[float]] = field(default_factory=list)
    loss_curve: list[list[float]] = field(default_factory=list)
    test_jackknife: list[float] = field(default_factory=list)
    factors: list[float] = field(default_factory=list)

    def final(self) -> float:
        return self.score if self.test_score is None else self.test_score


@dataclass(frozen=True)
class Event(Record):
    """A decision and its evidence: the audit trail.

    kind: "grid extended", "learning rate chosen", "arm flagged", "forecast", "arm eliminated", "race stopped", "engine", "data",
    "resumed".
    evidence holds numbers (p, threshold, difference, look, ...), reason says it in words.
    """

    kind: str
    rung: str
    arm: str
    reason: str
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference(Record):
    """A minus B on paired seeds, positive when A is better (the sign of a metric that falls is turned).

    low and high cover what seeds vary on the samples at hand; sample_low and sample_high the drawing of the samples too,
    None where that is not known.
    """

    a: str
    b: str
    difference: float
    low: float
    high: float
    level: float
    n: int
    p_value: float
    p_better: float  # P(A > B) on a fresh seed
    effect_size: float  # difference / sd of the paired differences
    rope: float
    verdict: str  # better, probably better, equivalent, undecided, worse, probably worse
    more_seeds: int | None = None  # undecided: about so many more; None: decided, or more than anyone would run
    method: str = "paired t"  # or "signed rank": a trial diverged, or the differences do not vary
    diverged_a: int = 0
    diverged_b: int = 0
    p_better_low: float | None = None  # interval of p_better at the same level
    p_better_high: float | None = None
    sample_low: float | None = None
    sample_high: float | None = None


@dataclass(frozen=True)
class ArmSummary(Record):
    """One row of the final table. status: winner, confirmed, survived, eliminated, not comparable, diverged."""

    name: str
    status: str
    learning_rate: float | None
    select_score: float | None
    select_low: float | None
    select_high: float | None
    n_seeds: int
    test_score: float | None = None
    test_low: float | None = None
    test_high: float | None = None
    n_test_seeds: int = 0
    n_diverged: int = 0
    n_trials: int = 0
    note: str = ""


@dataclass(frozen=True)
class Verdict(Record):
    """What a comparison concludes, first in words."""

    sentence: str
    kind: str  # better, probably better, equivalent, undecided, only one comparable arm, nothing comparable
    winner: str | None
    runner_up: str | None
    baseline: str | None
    confirmation: list[Difference]
    arms: list[ArmSummary]
    resolution: float | None = None  # smallest difference that the spent seeds find with 80 % power
    n_trials: int = 0
    total_epochs: float = 0.0
    notes: list[str] = field(default_factory=list)
    winner_code: str = field(default="", repr=False)  # the winner in plain PyTorch

    @classmethod
    def of(cls, values: dict[str, Any]) -> Verdict:
        values = dict(values)
        values["confirmation"] = [d if isinstance(d, Difference) else Difference.of(d) for d in values["confirmation"]]
        values["arms"] = [a if isinstance(a, ArmSummary) else ArmSummary.of(a) for a in values["arms"]]
        return super().of(values)


@dataclass(frozen=True)
class Study(Record):
    """Everything the store knows; all that the report may look at."""

    plan: Plan
    outcomes: list[Outcome]
    events: list[Event]
    verdict: Verdict | None
    seconds: float = 0.0
    rung_seconds: dict[str, float] = field(default_factory=dict)
    finished_rungs: list[str] = field(default_factory=list)


def as_json_number(value: float | None) -> float | None:
    """NaN and infinity have no JSON form: they become None."""
    return value if value is not None and math.isfinite(value) else None
