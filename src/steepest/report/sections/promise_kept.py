"""The winner's curse: the best score that the search showed against what fresh seeds confirmed."""

from __future__ import annotations

import math
from functools import partial

from steepest.core.declare import section
from steepest.results.records import Study

from ..blocks import Block, Figure, Key
from ..charts.promise import Promise, promise
from ..estimates import Estimate, estimate
from ..view import View


@section(order=90, question="What would a single lucky run have promised?")
def promise_kept(study: Study) -> Block | None:
    view = View(study)
    phase = next((p for p in ("confirm", "race") if any(view.runs(a, p) for a in view.label)), "")
    rows, gaps = [], {}
    for arm in view.shown():
        found = _found(view, arm, phase)
        if found is not None:
            gaps[arm] = view.scale.sign * (found[0] - found[1].mean)
            rows.append(_row(view, arm, *found))
    if not rows:
        return None
    where = (
        "the test part, on the seeds of the confirmation"
        if phase == "confirm"
        else "the select part, on the seeds of the race"
    )
    figure = Figure(
        partial(promise, rows, view.scale.axis),
        alt="; ".join(r.text for r in rows),
        keys=[
            Key("ring", "ink", "best single run while choosing"),
            Key("dot", "ink", "mean on fresh seeds, 95 % interval"),
        ],
        caption="Rings: the best run before, on the select part; the number that a plain grid search would report. "
        f"Dots: the same arm on {where}.",
    )
    return Block(_answer(view, gaps), [figure])


def _found(view: View, arm: str, phase: str) -> tuple[float, Estimate] | None:
    """The best score of any run before the phase, and the mean of the phase."""
    before = ("search", "race") if phase == "confirm" else ("search",)
    tried = [o.score for o in view.outcomes[arm] if view.phase[o.rung] in before and math.isfinite(o.score)]
    e = estimate([o.final() for o in view.runs(arm, phase)], view.plan.limits) if phase else None
    if not tried or e is None:
        return None
    return (max if view.scale.rises else min)(tried), e


def _row(view: View, arm: str, best: float, e: Estimate) -> Promise:
    s = view.scale
    text = f"{view.label[arm]}: best run {s.score(best)}, on fresh seeds {s.score(e.mean)} {s.interval(e.low, e.high)}"
    low, high = (e.low, e.high) if e.has_interval else (e.mean, e.mean)
    return Promise(view.label[arm], view.role[arm], s.shown(best), s.shown(e.mean), s.shown(low), s.shown(high), text)


def _answer(view: View, gaps: dict[str, float]) -> str:
    arm, gap = next(iter(gaps.items()))
    s = view.scale
    if gap <= 0:
        return f"For {view.name(arm)} the best single run promised no more than fresh seeds kept."
    return (
        f"The best single run of {view.name(arm)} promised {s.score(gap)}{s.points} more than it keeps on fresh seeds."
    )
