"""`steepest check`: reads scripts, notebooks and folders, runs one under the recorder where asked, prints what is wrong."""

from __future__ import annotations

from pathlib import Path

import typer

from steepest.check.answer import answer
from steepest.check.catalogue import all_checks, check_of
from steepest.check.show import explained


def check_and_print(
    paths: list[Path], *, run: bool, form: str, ignore: str, steps: int, time_limit: float, argv: list[str]
) -> None:
    """Prints the report; exit code 1 when it holds an error."""
    told, code = answer(paths, run=run, form=form, ignore=ignore, steps=steps, time_limit=time_limit, argv=tuple(argv))
    typer.echo(told)
    raise typer.Exit(code)


def print_check(code: str) -> None:
    """`--explain L01`, or all of them with `--explain all`."""
    if code.lower() == "all":
        typer.echo("\n".join(f"{c.code}\t{c.severity}\t{c.title}" for c in all_checks()))
        return
    typer.echo(explained(check_of(code)))
