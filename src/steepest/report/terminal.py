"""The verdict in a terminal: the sentence, one row for each arm, and where the page is."""

from __future__ import annotations

import math
import os
from typing import Any

from steepest.results.records import ArmSummary, Study

from .names import clean
from .numbers import NONE, rate
from .view import View

COLOURS = {"better": "green", "probably better": "green", "equivalent": "cyan", "undecided": "yellow"}
MOST = 15


def terminal(study: Study, page: str | os.PathLike[str] | None = None) -> Any:
    """Something that rich prints; `str()` is not it: use `rich.print` or a Console. Names of users are never read as markup."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    view = View(study)
    parts: list[Any] = [Padding(_sentence(view), (1, 0, 1, 0))]
    if view.summaries:
        parts.append(_table(view))
    left = len(view.summaries) - MOST
    if left > 0:
        parts.append(Text(f"and {left} more arms on the page", style="dim"))
    parts += [Text(clean(note, 300), style="dim") for note in (view.verdict.notes if view.verdict else [])]
    if page is not None:
        parts.append(Text.assemble("\n", ("Page: ", "dim"), clean(os.fspath(page), 4000)))
    return Group(*parts)


def _sentence(view: View) -> Any:
    from rich.text import Text

    if view.verdict is None:
        done, planned = len(view.study.finished_rungs), len(view.plan.rungs)
        return Text(f"No verdict yet: {done} of up to {planned} rungs are done.", style="bold yellow")
    return Text(clean(view.verdict.sentence, 2000), style=f"bold {COLOURS.get(view.verdict.kind, 'red')}")


def _table(view: View) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    table.add_column("Arm", overflow="fold")
    table.add_column("Ended")
    for title in ("Rate", f"Select part, {view.scale.axis}", "Test part", "Seeds", "Diverged"):
        table.add_column(Text(title), justify="right")
    for arm in view.ranked[:MOST]:
        row = view.summaries.get(arm)
        if row is not None:
            table.add_row(*(Text(cell) for cell in _cells(view, row)), style="bold" if row.status == "winner" else None)
    return table


def _cells(view: View, row: ArmSummary) -> list[str]:
    return [
        view.label[row.name],
        clean(row.status, 20),
        rate(row.learning_rate),
        _interval(view, row.select_score, row.select_low, row.select_high),
        _interval(view, row.test_score, row.test_low, row.test_high),
        f"{row.n_seeds} + {row.n_test_seeds}",
        f"{row.n_diverged} of {row.n_trials}",
    ]


def _interval(view: View, mean: float | None, low: float | None, high: float | None) -> str:
    if mean is None or not math.isfinite(mean):
        return NONE
    known = low is not None and high is not None and math.isfinite(low) and math.isfinite(high)
    return view.scale.score(mean) + (f" {view.scale.interval(low, high)}" if known else "")
