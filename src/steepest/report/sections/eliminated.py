"""The audit trail: which arm was alive when, what was decided, and on which evidence."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from steepest.core.declare import section
from steepest.results.records import Event, Study

from ..blocks import Badge, Block, Cell, Column, Figure, Key, Part, Stack, Table
from ..charts.survival import Stay, survival
from ..names import clean, labels, listed
from ..numbers import minus, p_value
from ..view import View

TONES = {"arm eliminated": "bad", "arm flagged": "open", "grid extended": "open", "race stopped": "good"}
NO_DECISION = ("weights kept",)
MOST_EVENTS = 200


@section(order=110, question="What was dropped, when and why?")
def eliminated(study: Study) -> Block | None:
    view = View(study)
    parts: list[Part] = []
    if study.outcomes:
        parts.append(_figure(view))
    if study.events:
        parts.append(_table(view))
    gone = list(dict.fromkeys(e.arm for e in study.events if e.kind == "arm eliminated" and e.arm in view.label))
    answer = (
        f"Eliminated by paired tests: {listed(map(view.name, gone), 6)}."
        if gone
        else "No arm was eliminated by a test."
    )
    return Block(answer, parts) if parts else None


def _figure(view: View) -> Figure:
    arms = [a for a in view.shown() if view.outcomes.get(a)]
    ran = {o.rung for o in view.study.outcomes}
    rungs = [r for r in view.rungs if r in ran]
    names = labels((r.replace(", extension ", " +") for r in rungs), 24)
    rung_label = dict(zip(rungs, names.values()))
    left = {
        (e.arm, e.rung)
        for e in view.study.events
        if e.kind == "arm eliminated" or (e.kind == "arm flagged" and e.evidence.get("status"))
    }
    stays = []
    for arm in arms:
        for rung in rungs:
            mine = [o for o in view.outcomes[arm] if o.rung == rung]
            if mine:
                stays.append(
                    Stay(
                        view.label[arm],
                        view.role[arm],
                        rung_label[rung],
                        len(mine),
                        sum(o.diverged for o in mine),
                        (arm, rung) in left,
                    )
                )
    return Figure(
        partial(survival, stays, [view.label[a] for a in arms], list(rung_label.values())),
        alt="; ".join(
            f"{view.label[a]}: " + ", ".join(f"{s.rung} {s.n_trials}" for s in stays if s.label == view.label[a])
            for a in arms
        ),
        caption="Trials of each arm in each rung; +1 is an extension of the grid beyond its edge." + view.rest(),
        keys=[Key("cross", "ink", "left after this rung")],
    )


def _table(view: View) -> Table:
    decided = [e for e in view.study.events if e.kind not in NO_DECISION]
    events = decided[:MOST_EVENTS]
    rows: list[list[Cell]] = [
        [
            clean(e.rung, 40) if e.rung else "start",
            Badge(
                clean(e.kind, 40),
                TONES.get(e.kind, "quiet"),
                of=view.label.get(e.arm, clean(e.arm, 36) if e.arm else ""),
                colour=view.role.get(e.arm, "other"),
            ),
            Stack(clean(e.reason, 300), _evidence(view, e)),
        ]
        for e in events
    ]
    more = len(decided) - len(events)
    caption = "p is compared with a threshold that shares the error rate over looks and arms." + (
        f" {more} later events are in the store." if more else ""
    )
    return Table([Column("After"), Column("Decision", wide=True), Column("Why", wide=True)], rows, caption)


def _evidence(view: View, e: Event) -> str:
    return ", ".join(
        f"{clean(key, 30).replace('_', ' ')} {_number(view, key, value)}"
        for key, value in list(e.evidence.items())[:8]
        if not isinstance(value, str)
    )


def _number(view: View, key: str, value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return listed((_number(view, key, v) for v in value), 6) if value else "none"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return clean(value, 60)
    if not math.isfinite(value):
        return "not finite"
    if key == "p":
        return p_value(value)
    if key in ("difference", "rope", "low", "high"):
        return view.scale.change(value) if key == "difference" else view.scale.score(value)
    return minus(f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}") if isinstance(value, float) else f"{value:,}"
