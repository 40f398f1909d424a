"""The same runs by the other metrics that were measured."""

from __future__ import annotations

from steepest.core.declare import section
from steepest.results.records import Study

from ..blocks import Block, Cell, Column, Name, Table, Whisker
from ..estimates import estimate
from ..names import clean
from ..numbers import NONE, minus
from ..view import View

MOST = 8


@section(order=100, question="What do other metrics say?")
def other_metrics(study: Study) -> Block | None:
    view = View(study)
    found = {a: runs for a in view.ranked if (runs := view.finals(a)[1])}
    names = list(dict.fromkeys(m for runs in found.values() for o in runs for m in o.metrics if m != view.plan.metric))[
        :MOST
    ]
    if not names:
        return None
    rows: list[list[Cell]] = []
    for arm, runs in found.items():
        place = {"confirm": "test part", "race": "race", "search": "search"}[view.finals(arm)[0]]
        rows.append(
            [
                Name(view.label[arm], view.role[arm]),
                place,
                *(_cell([o.metrics[m] for o in runs if m in o.metrics]) for m in names),
            ]
        )
    columns = [
        Column("Arm", wide=True),
        Column("Measured on"),
        *(Column(clean(m, 30).replace("_", " "), True) for m in names),
    ]
    answer = (
        f"The arms were chosen by {view.scale.metric} alone; these were measured on the same runs and decided nothing."
    )
    return Block(
        answer,
        [
            Table(
                columns,
                rows,
                "Means with 95 % intervals over seeds. Compare rows that were measured on the same part only.",
            )
        ],
    )


def _cell(values: list[float]) -> Cell:
    e = estimate(values)
    if e is None:
        return NONE
    return Whisker(_digits(e.mean), f"[{_digits(e.low)}, {_digits(e.high)}]" if e.has_interval else "")


def _digits(value: float) -> str:
    """Four digits, zeros at the end included."""
    return minus(f"{value:#.4g}".rstrip("."))
