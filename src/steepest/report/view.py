"""What the sections read out of a study: roles and ranks of the arms, scores by seed, pairs on common seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass

from steepest.results.records import ArmSummary, Outcome, Study

from .names import CLOSE, OPEN, labels
from .numbers import Scale, scale_of

FINAL = ("confirm", "race", "search")  # the phases, the most trusted first
STATUS_ORDER = ("winner", "confirmed", "survived", "eliminated", "not comparable", "diverged")
MOST_ROWS = 12  # charts show so many arms, tables all


@dataclass(frozen=True)
class Pairs:
    """Scores of two arms on the seeds that both ran, in one phase; a diverged trial is NaN."""

    phase: str
    seeds: list[int]
    a: list[float]
    b: list[float]


class View:
    """A study with its indices. Arms are named as the plan names them; `label` and `name` are what the reader sees."""

    def __init__(self, study: Study) -> None:
        self.study, self.plan, self.verdict = study, study.plan, study.verdict
        self.scale: Scale = scale_of(study)
        self.rungs = _rungs(study)
        self.phase = {name: _phase(study, name) for name in self.rungs}
        self._place = {name: i for i, name in enumerate(self.rungs)}
        self.outcomes: dict[str, list[Outcome]] = {a.name: [] for a in study.plan.arms}
        for o in study.outcomes:
            self.outcomes.setdefault(o.arm, []).append(o)
        self.summaries: dict[str, ArmSummary] = {s.name: s for s in study.verdict.arms} if study.verdict else {}
        self.label = labels(dict.fromkeys([*self.outcomes, *self.summaries]))
        self.role = self._roles()
        self.ranked = sorted(self.label, key=self._rank)

    def name(self, arm: str) -> str:
        """The arm inside a sentence."""
        return OPEN + self.label.get(arm, "(unknown arm)") + CLOSE

    def shown(self) -> list[str]:
        """The arms that charts have room for: the best, and the baseline in any case."""
        kept = self.ranked[:MOST_ROWS]
        return kept + [a for a in self.ranked[MOST_ROWS:] if self.role[a] != "other"]

    def rest(self) -> str:
        """Says how many arms the charts leave out."""
        left = len(self.ranked) - len(self.shown())
        return f" {left} more arms are in the table of all arms." if left else ""

    @property
    def marked(self) -> list[str]:
        """Winner, runner-up and baseline, as far as there are such; else the first three."""
        found = [a for role in ("winner", "runner", "baseline") for a in self.ranked if self.role[a] == role]
        return found if self.verdict and self.verdict.winner else self.ranked[:3]

    def chosen_rate(self, arm: str) -> float | None:
        """The learning rate with which the arm ended."""
        row = self.summaries.get(arm)
        if row is not None and row.learning_rate is not None:
            return row.learning_rate
        runs = [o for o in self.latest(arm) if math.isfinite(o.final())]
        return max(runs, key=lambda o: self.scale.sign * o.final()).learning_rate if runs else None

    def latest(self, arm: str) -> list[Outcome]:
        """The arm's outcomes of the last rung that it reached."""
        mine = self.outcomes.get(arm, [])
        last = max((self._place.get(o.rung, -1) for o in mine), default=-1)
        return [o for o in mine if self._place.get(o.rung, -1) == last]

    def runs(self, arm: str, phase: str) -> list[Outcome]:
        """The arm's outcomes of a phase at its chosen rate, the longest one of each seed."""
        mine = [o for o in self.outcomes.get(arm, []) if self.phase.get(o.rung) == phase]
        at = self.chosen_rate(arm)
        same = [o for o in mine if at is not None and math.isclose(o.learning_rate, at, rel_tol=1e-6)]
        ordered = sorted(same or mine, key=lambda o: self._place.get(o.rung, -1))
        return list({o.seed: o for o in ordered}.values())

    def finals(self, arm: str) -> tuple[str, list[Outcome]]:
        """The most trusted phase that the arm reached, and its outcomes there."""
        return next(((phase, runs) for phase in FINAL if (runs := self.runs(arm, phase))), ("", []))

    def pairs(self, a: str, b: str) -> Pairs | None:
        """Confirmation before race; None without two common seeds."""
        for phase in ("confirm", "race"):
            left = {o.seed: o.final() for o in self.runs(a, phase)}
            right = {o.seed: o.final() for o in self.runs(b, phase)}
            seeds = sorted(left.keys() & right.keys())
            if len(seeds) >= 2:
                return Pairs(phase, seeds, [left[s] for s in seeds], [right[s] for s in seeds])
        return None

    def _roles(self) -> dict[str, str]:
        """Arm -> winner, runner, baseline or other; these are also the names of their colours."""
        found = dict.fromkeys(self.label, "other")
        found.update({a.name: "baseline" for a in self.plan.arms if a.is_baseline})
        if self.verdict is not None:
            marks = (
                (self.verdict.baseline, "baseline"),
                (self.verdict.runner_up, "runner"),
                (self.verdict.winner, "winner"),
            )
            found.update({arm: role for arm, role in marks if arm in found})
        return found

    def _rank(self, arm: str) -> tuple[int, float]:
        row = self.summaries.get(arm)
        place = STATUS_ORDER.index(row.status) if row and row.status in STATUS_ORDER else len(STATUS_ORDER)
        score = self._standing(arm, row)
        return place, -self.scale.sign * score if math.isfinite(score) else math.inf

    def _standing(self, arm: str, row: ArmSummary | None) -> float:
        """The score by which an arm is listed: of the verdict, else the best mean over seeds in its last rung."""
        for score in (row.test_score, row.select_score) if row else ():
            if score is not None and math.isfinite(score):
                return score
        by_rate: dict[float, list[float]] = {}
        for o in self.latest(arm):
            by_rate.setdefault(o.learning_rate, []).append(o.final())
        means = [sum(s) / len(s) for s in by_rate.values() if all(map(math.isfinite, s))]
        return (max if self.scale.rises else min)(means, default=math.nan)


def base_rung(rung: str) -> str:
    """An extension of a rung ("search 1, extension 2") counts with it."""
    return rung.split(",")[0]


def _rungs(study: Study) -> list[str]:
    """Planned rungs and those that outcomes name besides, each extension after its rung."""
    planned = [r.name for r in study.plan.rungs]
    found = list(dict.fromkeys([*planned, *(o.rung for o in study.outcomes), *study.finished_rungs]))
    return sorted(
        found, key=lambda name: planned.index(base_rung(name)) if base_rung(name) in planned else len(planned)
    )


def _phase(study: Study, rung: str) -> str:
    known = {r.name: r.phase for r in study.plan.rungs}
    return known.get(rung) or known.get(base_rung(rung)) or next((p for p in FINAL if rung.startswith(p)), "search")
