"""The verdict in a terminal: the sentence, one row for each arm, and where the page is."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from steepest.results.records import ArmSummary, Study

from .names import clean
from .numbers import NONE, rate
from .view import View

COLOURS = {"better": "green", "probably better": "green", "equivalent": "cyan", "undecided": "yellow"}
MOST = 15
LEAST = 14
"""Columns of the terminal that the names of the arms keep: others go first."""
GIVEN_UP = ("Diverged", "Seeds", "Select part", "Rate", "Ended", "Test part")
"""In this order, where the terminal is too narrow; the page has them all."""


def terminal(study: Study, page: str | os.PathLike[str] | None = None) -> Any:
    """The verdict for rich's print or Console: the sentence, the arms, the page. Names of users are never read as markup."""
    return _Terminal(study, page)


class _Terminal:
    """Looks at the width of the terminal when it is printed."""

    def __init__(self, study: Study, page: str | os.PathLike[str] | None = None) -> None:
        self.study, self.page = study, page

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        from rich.text import Text

        view = View(self.study)
        yield from ("", _sentence(view), "")
        if view.summaries:
            yield _table(view, options.max_width)
        left = len(view.summaries) - MOST
        if left > 0:
            yield Text(f"and {left} more arms on the page", style="dim")
        yield from (Text(clean(note, 300), style="dim") for note in (view.verdict.notes if view.verdict else []))
        if self.page is not None:
            yield Text.assemble("\n", ("Page: ", "dim"), clean(os.fspath(self.page), 4000))


def _sentence(view: View) -> Any:
    from rich.text import Text

    if view.verdict is None:
        done, planned = len(view.study.finished_rungs), len(view.plan.rungs)
        return Text(f"No verdict yet: {done} of up to {planned} rungs are done.", style="bold yellow")
    sentence = clean(view.verdict.sentence, 2000).replace(" %", "\u00a0%")
    return Text(sentence, style=f"bold {COLOURS.get(view.verdict.kind, 'red')}")


def _table(view: View, width: int) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    rows = [view.summaries[arm] for arm in view.ranked[:MOST] if arm in view.summaries]
    columns = _that_fit({title: [cell(view, row) for row in rows] for title, cell in CELLS.items()}, width)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", title_style="dim", title_justify="left")
    table.title = Text(f"{view.scale.axis}, means with 95 % intervals over seeds")
    table.add_column("Arm", overflow="fold", min_width=12)
    for title in columns:
        table.add_column(title, justify="left" if title == "Ended" else "right", no_wrap=True)
    for i, row in enumerate(rows):
        cells = [view.label[row.name], *(of_rows[i] for of_rows in columns.values())]
        table.add_row(*map(Text, cells), style="bold" if row.status == "winner" else None)
    return table


def _that_fit(columns: dict[str, list[str]], width: int) -> dict[str, list[str]]:
    """Those that stand beside names of LEAST letters, each with its gap."""
    kept = dict(columns)
    for title in GIVEN_UP:
        if LEAST + sum(max(map(len, (name, *cells))) + 3 for name, cells in kept.items()) <= width:
            break
        del kept[title]
    return kept


def _interval(view: View, mean: float | None, low: float | None, high: float | None) -> str:
    if mean is None or not math.isfinite(mean):
        return NONE
    known = low is not None and high is not None and not math.isnan(low) and not math.isnan(high)
    return view.scale.score(mean) + (f" {view.scale.interval(low, high)}" if known else "")


CELLS: Mapping[str, Callable[[View, ArmSummary], str]] = {
    "Ended": lambda view, row: clean(row.status, 20),
    "Rate": lambda view, row: rate(row.learning_rate),
    "Select part": lambda view, row: _interval(view, row.select_score, row.select_low, row.select_high),
    "Test part": lambda view, row: _interval(view, row.test_score, row.test_low, row.test_high),
    "Seeds": lambda view, row: f"{row.n_seeds} + {row.n_test_seeds}",
    "Diverged": lambda view, row: f"{row.n_diverged} of {row.n_trials}",
}
"""The columns beside the names, as they stand."""
