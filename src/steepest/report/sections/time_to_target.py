"""Which arm gets there first: epochs until a run reaches the score with which the baseline ended."""

from __future__ import annotations

import math
import statistics
from functools import partial

from steepest.core.declare import section
from steepest.results.records import Study

from ..blocks import Block, Figure, Key
from ..charts.reach import Reach, reach
from ..names import CLOSE, OPEN, listed
from ..numbers import amount
from ..view import View


@section(order=80, question="Which one gets there first?")
def time_to_target(study: Study) -> Block | None:
    view = View(study)
    phase = next((p for p in ("race", "search") if any(o.curve for a in view.label for o in view.runs(a, p))), "")
    target, whose = _target(view, phase)
    if not math.isfinite(target):
        return None
    rows = [r for a in view.shown() if (r := _reach(view, a, phase, target)) is not None]
    if not any(r.epochs for r in rows):
        return None
    horizon = max(o.epochs for a in view.label for o in view.runs(a, phase))
    goal = f"{view.scale.score(target)}{view.scale.points} of {view.scale.metric} on the select part"
    figure = Figure(
        partial(reach, rows, horizon),
        alt=f"Epochs to {goal}. " + "; ".join(map(_words, rows)),
        keys=[Key("dot", "ink", "one seed"), Key("tick", "ink", "median, if half arrived")],
        caption=f"The target is {goal}: {whose}. The count says how many seeds arrived within {amount(horizon)} epochs; "
        f"scores were taken every {amount(_step(view, phase))} epochs." + view.rest(),
    )
    return Block(_answer(rows), [figure])


def _target(view: View, phase: str) -> tuple[float, str]:
    """The mean final score of the baseline, else of the median arm."""
    ends = (
        {a: [o.curve[-1][1] for o in view.runs(a, phase) if o.curve and not o.diverged] for a in view.label}
        if phase
        else {}
    )
    means = {a: statistics.fmean(e) for a, e in ends.items() if e}
    baseline = (
        view.verdict.baseline if view.verdict else next((a for a, r in view.role.items() if r == "baseline"), None)
    )
    if baseline in means:
        return means[baseline], "the mean with which the baseline ended"
    if not means:
        return math.nan, ""
    return statistics.median_low(means.values()) if view.scale.rises else statistics.median_high(
        means.values()
    ), "the mean with which the middle arm ended"


def _reach(view: View, arm: str, phase: str, target: float) -> Reach | None:
    runs = [o for o in view.runs(arm, phase) if o.curve or o.diverged]
    longest = max((o.epochs for o in runs), default=0)
    runs = [o for o in runs if o.epochs == longest]
    sign = view.scale.sign
    first = [next((e for e, score in o.curve if sign * (score - target) >= 0), math.inf) for o in runs]
    arrived = sorted(e for e in first if math.isfinite(e))
    if not runs:
        return None
    median = statistics.median(sorted(first)) if len(arrived) * 2 > len(first) else None
    return Reach(
        view.label[arm],
        view.role[arm],
        arrived,
        len(runs),
        median if median is not None and math.isfinite(median) else None,
    )


def _step(view: View, phase: str) -> float:
    """How finely the curves were recorded: the usual distance of their points."""
    gaps = [b[0] - a[0] for arm in view.label for o in view.runs(arm, phase) for a, b in zip(o.curve, o.curve[1:])]
    return statistics.median(gaps) if gaps else 1.0


def _words(r: Reach) -> str:
    return f"{r.label}: {len(r.epochs)} of {r.n} seeds" + (
        f", median {amount(r.median)} epochs" if r.median is not None else ""
    )


def _answer(rows: list[Reach]) -> str:
    ahead = [r for r in rows if r.median is not None]
    if not ahead:
        return "No arm reached the target on half of its seeds."
    soonest = min(r.median or 0.0 for r in ahead)
    first = [f"{OPEN}{r.label}{CLOSE}" for r in ahead if r.median == soonest]
    return f"{listed(first)}: half of the seeds reached the target within {amount(soonest)} epochs."
