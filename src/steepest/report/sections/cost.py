"""What the study cost: trials, epochs and seconds of each rung."""

from __future__ import annotations

import re

from steepest.core.declare import section
from steepest.results.records import Outcome, Study

from ..blocks import Bar, Block, Cell, Column, Table
from ..names import clean, count
from ..numbers import NONE, amount, duration
from ..view import View


@section(order=120, question="What did it cost?")
def cost(study: Study) -> Block | None:
    if not study.outcomes:
        return None
    view = View(study)
    by_rung: dict[str, list[Outcome]] = {}
    for o in study.outcomes:
        by_rung.setdefault(o.rung, []).append(o)
    total = sum(o.epochs for o in study.outcomes)
    rows = [_row(view, rung, by_rung[rung], total) for rung in view.rungs if rung in by_rung]
    lost = sum(o.diverged for o in study.outcomes)
    rows.append(
        [
            "all",
            "",
            "",
            f"{len(study.outcomes):,}",
            str(lost),
            "",
            Bar(amount(total), 0.0),
            duration(study.seconds) if study.seconds else NONE,
        ]
    )
    columns = [
        Column("Rung"),
        Column("Arms", True),
        Column("Seeds", True),
        Column("Trials", True),
        Column("Diverged", True),
        Column("Epochs each", True),
        Column("Epochs, sum", True),
        Column("Time", True),
    ]
    spent = f"{count(len(study.outcomes), 'trial')}, {amount(total)} epochs" + (
        f", {duration(study.seconds)}" if study.seconds else ""
    )
    return Block(f"{spent}; the budget was {_budget(study.plan.budget)}.", [Table(columns, rows)])


def _budget(asked: str) -> str:
    """As it was said, with "30000epochs" as a number and a word."""
    work = re.fullmatch(r"(\d{1,15})\s*epochs", asked)
    return f"{int(work[1]):,} epochs" if work else clean(asked, 40)


def _row(view: View, rung: str, runs: list[Outcome], total: float) -> list[Cell]:
    epochs, seconds = sum(o.epochs for o in runs), view.study.rung_seconds.get(rung)
    return [
        clean(rung, 40),
        str(len({o.arm for o in runs})),
        str(len({o.seed for o in runs})),
        f"{len(runs):,}",
        str(sum(o.diverged for o in runs)),
        amount(max(o.epochs for o in runs)),
        Bar(amount(epochs), epochs / total if total else 0.0),
        duration(seconds) if seconds is not None else NONE,
    ]
