"""The commands that show the catalogue: a table of names, and the explanation of one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import typer

from .exits import has_colours, say


def print_list(kind: str | None) -> None:
    """`steepest list`: a table for readers, tabs for programs."""
    from steepest.explain import CATALOGUES

    kinds = list(CATALOGUES) if kind is None else [_kind_meant(kind)]
    rows = [(each, item.name, item.purpose, _parameters(item)) for each in kinds for item in CATALOGUES[each]]
    if not sys.stdout.isatty():
        for each, name, purpose, parameters in rows:
            typer.echo("\t".join(([each] if kind is None else []) + [name, purpose, parameters]))
        return
    for each in kinds:
        _print_table(each, [row[1:] for row in rows if row[0] == each])


def _kind_meant(asked: str) -> str:
    """One of the catalogues; "loss", "rules" and "datasets" are understood too."""
    from steepest.core.errors import UnknownName, did_you_mean
    from steepest.explain import CATALOGUES

    words = {
        word: kind
        for kind, items in CATALOGUES.items()
        for word in (kind, items._kind, f"{items._kind}s", kind.removesuffix("s"), kind.removesuffix("es"))
    }
    if asked.lower() not in words:
        raise UnknownName(
            where="list",
            seen=f"{asked!r}",
            needed=f"one of {', '.join(CATALOGUES)} was needed",
            repair=did_you_mean(asked, CATALOGUES),
        )
    return words[asked.lower()]


def _parameters(item: object) -> str:
    from steepest.core.item import REQUIRED, Item

    assert isinstance(item, Item)
    return ", ".join(h.name if h.default is REQUIRED else f"{h.name}={_short(h.default)}" for h in item.hyper.values())


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _print_table(kind: str, rows: list[tuple[str, str, str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=f"{len(rows)} {kind if kind != 'data' else 'data sets'}",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for heading in ("name", "what it is for", "parameters"):
        table.add_column(
            heading,
            overflow="fold",
            no_wrap=heading == "name",
            ratio=None if heading == "name" else 2 if heading == "parameters" else 3,
        )
    for name, purpose, parameters in rows:
        table.add_row(Text(name, style="bold cyan"), Text(purpose), Text(parameters, style="dim"))
    Console(highlight=False).print(table)


def print_suggestions(task: str, *, imbalanced: bool, outliers: bool, noisy_labels: bool) -> None:
    """`steepest suggest`: a table for readers, tabs for programs."""
    from steepest.explain import suggest

    found = suggest(task, imbalanced=imbalanced, outliers=outliers, noisy_labels=noisy_labels)
    if not sys.stdout.isatty():
        for one in found:
            typer.echo(f"{one.kind}\t{one.name}\t{one.because}\t{one.use}\t{one.avoid}")
        return
    typer.echo(found.render(min(shutil.get_terminal_size((80, 24)).columns, 120)))


def print_explanation(name: str, *, latex: bool, code: bool, plot: Path | None) -> None:
    """`steepest explain`."""
    from steepest.core.errors import UsageError
    from steepest.explain import Explanation, explain

    explanation = explain(name)
    if latex and not explanation.latex:
        raise UsageError(
            where=explanation.name,
            seen="no formula is declared",
            needed="an item with a formula was needed for --latex",
            repair=f"steepest explain {explanation.name} --code shows its source.",
        )
    if plot is not None:
        if not isinstance(explanation, Explanation):
            raise UsageError(
                where=explanation.name,
                seen="it has no curve",
                needed="an item of the catalogue was needed for --plot",
                repair=f"steepest explain {explanation.name} shows its numbers.",
            )
        explanation.plot(plot)
    if latex:
        typer.echo(explanation.latex)
    else:
        width = min(shutil.get_terminal_size((80, 24)).columns, 140)
        typer.echo(explanation.render(width=width, colour=has_colours(sys.stdout), code=code), nl=False)
    if plot is not None:
        say("", f"Plot: {plot}")


def write_pages(folder: Path, *, open_page: bool) -> None:
    """`steepest docs`: the pages, with a bar while it lasts; the way in is the last one."""
    from steepest.core.progress import Bar
    from steepest.explain import CATALOGUES, pages

    n_items = sum(len(list(items)) for items in CATALOGUES.values())
    bar, last = Bar(), folder
    bar.start(n_items + 1, "")
    try:
        for last in pages.write(folder):
            bar.advance(1)
    finally:
        bar.stop()
    typer.echo(f"{n_items} items: {last}")
    if open_page:
        typer.launch(str(last.resolve()))
