"""Options of check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

Paths = Annotated[
    Optional[list[Path]],
    typer.Argument(metavar="FILE...", show_default=False, help="Scripts, notebooks, or folders of them."),
]
Run = Annotated[
    bool,
    typer.Option(
        "--run",
        metavar=" ",
        help="Run the script too and watch its first steps; what it writes goes nowhere. Its arguments follow [bold]--[/bold].",
    ),
]
Format = Annotated[str, typer.Option("--format", metavar="NAME", help="text, json, sarif or github.")]
Explain = Annotated[
    Optional[str], typer.Option("--explain", metavar="CODE", help="All about one check, such as L01; all: the list.")
]
Ignore = Annotated[str, typer.Option("--ignore", metavar="A,B", help="Codes that are not asked.")]
WatchedSteps = Annotated[
    int, typer.Option("--steps", metavar="N", min=1, help="Optimizer steps that are watched closely.")
]
TimeLimit = Annotated[
    float, typer.Option("--time-limit", metavar="S", min=1, help="Seconds after which the script is stopped.")
]
