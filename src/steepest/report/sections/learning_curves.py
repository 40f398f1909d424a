"""How the arms learned: score by epoch, mean and band over seeds."""

from __future__ import annotations

import math
from functools import partial

from steepest.core.declare import section
from steepest.results.records import Outcome, Study

from ..blocks import Block, Figure, Key
from ..charts.curves import Curve, curves
from ..charts.theme import zoomed
from ..estimates import estimate
from ..names import count
from ..view import View


@section(order=70, question="How did they learn?")
def learning_curves(study: Study) -> Block | None:
    view = View(study)
    phase = next((p for p in ("race", "search") if any(len(_runs(view, a, p)) for a in view.label)), "")
    lines = {a: c for a in view.shown() if (c := _curve(view, a, phase)) is not None}
    if not lines or max(len(c.points) for c in lines.values()) < 2:
        return None
    drawn = [lines[a] for a in reversed(lines)]  # the best on top
    late = [v for c in drawn for e, *values in c.points if e > 0.15 * c.points[-1][0] for v in values]
    axis = f"{view.scale.axis}, select part"
    marked = [a for a in lines if view.role[a] != "other"]
    keys = [Key("line", view.role[a], view.label[a]) for a in marked]
    keys += [Key("line", "other", "other arms")] if len(marked) < len(lines) else []
    ends = "; ".join(f"{c.label} ends at {c.points[-1][1]:.4g}" for c in lines.values())
    figure = Figure(
        partial(curves, drawn, axis, zoomed(late, view.scale.rises, 0.03, view.scale.best)),
        alt=f"{axis} by epoch. {ends}",
        keys=keys,
        caption="Means over seeds at the chosen learning rate; bands are 95 % intervals. The steep start may lie outside the axis. "
        "Training losses are not drawn: those of different losses cannot be compared." + view.rest(),
    )
    n = max(len(_runs(view, a, phase)) for a in lines)
    return Block(f"Score on the select part by epoch, up to {count(n, 'seed')} of the {phase} for each arm.", [figure])


def _runs(view: View, arm: str, phase: str) -> list[Outcome]:
    """Trials with a curve; when a phase ran several lengths, those of the longest."""
    runs = [o for o in view.runs(arm, phase) if o.curve and not o.diverged] if phase else []
    longest = max((o.epochs for o in runs), default=0)
    return [o for o in runs if o.epochs == longest]


def _curve(view: View, arm: str, phase: str) -> Curve | None:
    by_epoch: dict[float, list[float]] = {}
    for o in _runs(view, arm, phase):
        for epoch, score in o.curve:
            by_epoch.setdefault(float(epoch), []).append(score)
    most = max(map(len, by_epoch.values()), default=0)
    s, points = view.scale, []
    for epoch in sorted(e for e, scores in by_epoch.items() if len(scores) == most):
        e = estimate(by_epoch[epoch], view.plan.limits)
        if e is not None:
            points.append((epoch, s.shown(e.mean), s.shown(e.low), s.shown(e.high)))
    return Curve(view.label[arm], view.role[arm], points) if points and math.isfinite(points[-1][1]) else None
