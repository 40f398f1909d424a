"""Paired seeds: does the winner win because of a few lucky runs, or seed by seed?"""

from __future__ import annotations

import math
from functools import partial

from steepest.core.declare import section
from steepest.results.records import Study

from ..blocks import Block, Figure, Key
from ..charts.seeds import Strip, seeds
from ..estimates import estimate
from ..names import count
from ..view import View


@section(order=50, question="Does it hold seed by seed?")
def seed_by_seed(study: Study) -> Block | None:
    view = View(study)
    phase, arms = _arms(view)
    strips = [s for s in (_strip(view, a, phase) for a in arms) if s is not None]
    if not strips or max(len(s.scores) for s in strips) < 2:
        return None
    place = "test part, fresh seeds" if phase == "confirm" else f"select part, {phase}"
    axis = f"{view.scale.axis}, {place}"
    keys = [Key("dot", s.colour, s.label) for s in strips] + [Key("line", "faint", "same seed")]
    figure = Figure(
        partial(seeds, strips, axis),
        alt=f"{axis}. " + "; ".join(s.text for s in strips),
        keys=keys,
        caption="A line joins the runs of one seed: same split, same start, same batch order. Diamonds are means with 95 % intervals.",
    )
    return Block(_answer(view, arms), [figure])


def _arms(view: View) -> tuple[str, list[str]]:
    for phase in ("confirm", "race"):
        arms = [a for a in dict.fromkeys([*view.marked, *view.ranked[:3]]) if view.runs(a, phase)]
        if len(arms) >= 2:
            return phase, arms[:3]
    return "", []


def _strip(view: View, arm: str, phase: str) -> Strip | None:
    s, runs = view.scale, view.runs(arm, phase)
    scores = {o.seed: s.shown(o.final()) for o in runs if math.isfinite(o.final())}
    e = estimate([o.final() for o in runs], view.plan.limits)
    if e is None:
        return None
    lost = len(runs) - len(scores)
    text = f"{view.label[arm]}: mean {s.score(e.mean)} {s.interval(e.low, e.high)}, {count(e.n, 'seed')}" + (
        f", {lost} diverged" if lost else ""
    )
    if not e.has_interval:
        return Strip(view.label[arm], view.role[arm], scores, text)
    return Strip(view.label[arm], view.role[arm], scores, text, s.shown(e.mean), s.shown(e.low), s.shown(e.high))


def _answer(view: View, arms: list[str]) -> str:
    """Counts the seeds on which the first arm was ahead of each other one."""
    said = []
    for other in arms[1:]:
        pairs = view.pairs(arms[0], other)
        if pairs is not None:
            ahead = sum(_is_ahead(view, x, y) for x, y in zip(pairs.a, pairs.b))
            said.append(f"of {view.name(other)} on {ahead} of {len(pairs.seeds)} shared seeds")
    return f"{view.name(arms[0])} was ahead " + " and ".join(said) + "." if said else "No two arms share seeds here."


def _is_ahead(view: View, a: float, b: float) -> bool:
    return math.isfinite(a) and (not math.isfinite(b) or view.scale.sign * (a - b) > 0)
