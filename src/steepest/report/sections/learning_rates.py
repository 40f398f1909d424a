"""Was every arm tuned fairly? Score by learning rate for each arm, where it diverges, and whether the best was the grid's edge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from steepest.core.declare import section
from steepest.results.records import Outcome, Study

from ..blocks import Block, Key, Panel, Panels
from ..charts.rates import Point, rates
from ..charts.theme import zoomed
from ..estimates import estimate, rope_of
from ..names import clean, count, listed
from ..numbers import rate
from ..view import View, base_rung


@section(order=60, question="Was every arm tuned fairly?")
def learning_rates(study: Study) -> Block | None:
    view = View(study)
    points = {a: _points(view, a) for a in view.shown()}
    points = {a: p for a, p in points.items() if p}
    every = [p for found in points.values() for p in found]
    if not every:
        return None
    y_domain = zoomed([p.mean for p in every], view.scale.rises, 0.3, view.scale.best)
    panels = [_panel(view, a, p, y_domain) for a, p in points.items()]
    keys = [
        Key("line", "ink", "mean of a rung with its 95 % interval; later rungs are darker"),
        Key("dash", "ink", "chosen rate"),
        Key("cross", "bad", "diverged trials"),
        Key("band", "bad", "most trials diverge"),
    ]
    caption = (
        f"{view.scale.axis} on the select part by learning rate, on common axes; scores worse than the axis are drawn at its edge."
        + view.rest()
    )
    return Block(_answer(view), [Panels(panels, caption, keys)])


def _points(view: View, arm: str) -> list[Point]:
    """Means of the search by rung and rate; an extension counts with its rung."""
    groups: dict[tuple[str, float], list[Outcome]] = {}
    for o in view.outcomes[arm]:
        if view.phase[o.rung] == "search" and o.learning_rate > 0:
            groups.setdefault((base_rung(o.rung), o.learning_rate), []).append(o)
    order = [base_rung(r) for r in view.rungs]
    found = [_point(view, rung, lr, runs) for (rung, lr), runs in groups.items()]
    return sorted(found, key=lambda p: (order.index(p.rung), p.rate))


def _point(view: View, rung: str, lr: float, runs: Sequence[Outcome]) -> Point:
    s, lost = view.scale, sum(o.diverged for o in runs)
    e = estimate([o.final() for o in runs], view.plan.limits)
    label = clean(rung, 40)
    text = f"{label}, learning rate {rate(lr)}: "
    if e is None:
        return Point(
            label, lr, math.nan, math.nan, math.nan, len(runs), lost, text + f"all {count(lost, 'trial')} diverged"
        )
    text += f"{s.score(e.mean)} {s.interval(e.low, e.high)} on {count(e.n, 'seed')}" + (
        f", {lost} diverged" if lost else ""
    )
    low, high = (e.low, e.high) if e.has_interval else (e.mean, e.mean)
    return Point(label, lr, s.shown(e.mean), s.shown(low), s.shown(high), len(runs), lost, text)


def _panel(view: View, arm: str, points: list[Point], y_domain: list[float]) -> Panel:
    chosen = view.chosen_rate(arm)
    tried = sorted({p.rate for p in points})
    x_domain = (tried[0] / 1.5, tried[-1] * 1.5)
    lost, n = sum(p.n_diverged for p in points), sum(p.n for p in points)
    note = f"chosen {rate(chosen)}" if chosen is not None else "no rate chosen"
    note += _tolerance(view, points) + (f" · {lost} of {n} trials diverged" if lost else "")
    alt = f"{view.label[arm]}: " + "; ".join(p.text for p in points)
    draw = partial(rates, points, chosen, view.role[arm], x_domain, y_domain)
    return Panel(view.label[arm], view.role[arm], draw, alt, note, _warning(view, arm, tried, chosen))


def _tolerance(view: View, points: Sequence[Point]) -> str:
    """How forgiving the arm is: rates of the first rung whose score is as good as the best but for the band."""
    rope = rope_of(view)
    first = [p for p in points if p.rung == points[0].rung]
    finite = [p.mean for p in first if math.isfinite(p.mean)]
    if not rope or not finite:
        return ""
    best = max(finite) if view.scale.rises else min(finite)
    near = sum(abs(m - best) <= view.scale.shown(rope) for m in finite)
    return f" · {near} of {len(first)} rates within {view.scale.score(rope)}{view.scale.points} of the best"


def _warning(view: View, arm: str, tried: Sequence[float], chosen: float | None) -> str:
    row = view.summaries.get(arm)
    if row is not None and row.status == "not comparable":
        return "not comparable: the best rate is still at the edge of the extended grid"
    if len(tried) > 1 and chosen in (tried[0], tried[-1]):
        return "the chosen rate is at the edge of the grid"
    return ""


def _answer(view: View) -> str:
    extended = list(
        dict.fromkeys(e.arm for e in view.study.events if e.kind == "grid extended" and e.arm in view.label)
    )
    flagged = [a for a, s in view.summaries.items() if s.status == "not comparable" and a in view.label]
    if all(a.fixed_learning_rate for a in view.plan.arms):
        return "The learning rates were given, not tuned."
    said = "Every arm got the same number of rates and seeds"
    if extended:
        said += f"; {listed(map(view.name, extended), 3)} got more, because the best stood at the edge"
    return said + (
        f". Not comparable, because it still does: {listed(map(view.name, flagged), 3)}." if flagged else "."
    )
