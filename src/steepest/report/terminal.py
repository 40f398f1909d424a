"""The verdict in a terminal: the sentence, one row for each arm, and where the page is."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any

from steepest.results.records import ArmSummary, Study

from .names import clean
from .numbers import NONE, rate
from .view import View

COLOURS = {"better": "green", "probably better": "green", "equivalent": "cyan", "undecided": "yellow"}
MOST = 15
WIDE = 100


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
            yield _table(view, is_wide=options.max_width >= WIDE)
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


def _table(view: View, is_wide: bool) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", title_style="dim", title_justify="left")
    table.title = Text(f"{view.scale.axis}, means with 95 % intervals over seeds")
    table.add_column("Arm", overflow="fold", min_width=12)
    table.add_column("Ended", no_wrap=True)
    for title in (*("Rate", "Select part", "Test part"), *(("Seeds", "Diverged") if is_wide else ())):
        table.add_column(title, justify="right", no_wrap=True)
    for arm in view.ranked[:MOST]:
        row = view.summaries.get(arm)
        if row is not None:
            cells = _cells(view, row)[: len(table.columns)]
            table.add_row(*map(Text, cells), style="bold" if row.status == "winner" else None)
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
    known = low is not None and high is not None and not math.isnan(low) and not math.isnan(high)
    return view.scale.score(mean) + (f" {view.scale.interval(low, high)}" if known else "")
