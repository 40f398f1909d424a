"""The command that looks for learning rates: curves in the terminal, and a page."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from .exits import has_colours


def find_rates(asked: Mapping[str, Any], page: Path, *, open_page: bool) -> None:
    """`steepest lr`."""
    from steepest.core.errors import UsageError
    from steepest.lr_range import lr_range

    low, high = asked["lowest"], asked["highest"]
    if (low is None) != (high is None):
        raise UsageError(
            where="lr",
            seen="only one of --lowest and --highest",
            needed="both ends of the range were needed, or none",
            repair="For example --lowest 1e-5 --highest 1.",
        )
    options = {name: value for name, value in asked.items() if name not in ("lowest", "highest", "rates")}
    found = lr_range(**options, rates=None if low is None else (low, high), n_rates=asked["rates"])
    found = replace(found, setting=replace(found.setting, command=_command(asked, page)))
    width = min(shutil.get_terminal_size((80, 24)).columns, 100)
    typer.echo(found.render(width, has_colours(sys.stdout)))
    page.parent.mkdir(parents=True, exist_ok=True)
    found.write(page)
    typer.echo(f"\nPage:    {page}")
    if open_page:
        typer.launch(str(page.resolve()))


def _command(asked: Mapping[str, Any], page: Path) -> str:
    """The command in full, so that it means the same when a default changes."""
    words = ["steepest", "lr", str(asked["model"])]
    for name, value in asked.items():
        if name != "model" and value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join([*words, "--out", str(page)])
