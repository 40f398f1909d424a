"""`steepest check`: reads scripts, notebooks and folders, runs one under the recorder where asked, prints what is wrong."""

from __future__ import annotations

from pathlib import Path

import typer

from steepest.check.catalogue import all_checks, check_of
from steepest.check.files import check_paths
from steepest.check.show import FORMATS, explained
from steepest.check.text import text
from steepest.core.errors import UsageError, did_you_mean


def check_and_print(
    paths: list[Path], *, run: bool, form: str, ignore: str, steps: int, time_limit: float, argv: list[str]
) -> None:
    """Prints the report; exit code 1 when it holds an error."""
    if form not in FORMATS:
        raise UsageError(
            where="--format",
            seen=f"there is no format {form!r}",
            needed="a known one was needed",
            repair=did_you_mean(form, FORMATS),
        )
    if argv and not run:
        raise UsageError(where="check", seen=f"arguments for the script ({' '.join(argv)})", needed="a script that is run was needed",
                         repair="Add --run.")  # fmt: skip
    if not paths:
        raise UsageError(where="check", seen="no file was named", needed="a script, a notebook or a folder was needed",
                         repair="For example: steepest check train.py")  # fmt: skip
    codes = tuple(check_of(c.strip()).code for c in ignore.split(",") if c.strip())
    report = check_paths(paths, run=run, argv=tuple(argv), budget=steps, limit_s=time_limit, ignore=codes)
    if form == "text":
        typer.echo(text(report, {f.file: _lines(f.file) for f in report.findings}))
    else:
        typer.echo(FORMATS[form](report))
    raise typer.Exit(1 if report.errors else 0)


def print_check(code: str) -> None:
    """`--explain L01`, or all of them with `--explain all`."""
    if code.lower() == "all":
        typer.echo("\n".join(f"{c.code}\t{c.severity}\t{c.title}" for c in all_checks()))
        return
    typer.echo(explained(check_of(code)))


def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text(encoding="utf-8").splitlines() if file.endswith(".py") else []
    except (OSError, UnicodeDecodeError):
        return []
