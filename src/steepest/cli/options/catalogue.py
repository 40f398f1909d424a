"""Options of the catalogue: list, explain, suggest, docs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from .. import known
from .common import RESULT

Listed = Annotated[
    Optional[str],
    typer.Argument(
        metavar="KIND",
        autocompletion=known.complete_kind,
        show_default="all of them",
        help="losses, weightings, optimizers, schedules, transforms, metrics, data or models.",
    ),
]
Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        autocompletion=known.complete_anything,
        help="A loss, weighting, optimizer, schedule, transform, metric, data set or model; torch's class names work too.",
    ),
]
SuggestedTask = Annotated[
    str,
    typer.Option(
        "--task",
        metavar="TASK",
        autocompletion=known.complete_suggested_task,
        help="classification, binary, regression, counts, ...: what the losses of the catalogue are for.",
    ),
]
Imbalanced = Annotated[bool, typer.Option("--imbalanced", metavar=" ", help="Some classes are much rarer than others.")]
Outliers = Annotated[bool, typer.Option("--outliers", metavar=" ", help="Some targets are far from all others.")]
NoisyLabels = Annotated[bool, typer.Option("--noisy-labels", metavar=" ", help="Some labels are wrong.")]
Latex = Annotated[bool, typer.Option("--latex", metavar=" ", help="Print the formula as LaTeX, and nothing else.")]
Code = Annotated[bool, typer.Option("--code", metavar=" ", help="Show the source code too.")]
Plot = Annotated[Optional[Path], typer.Option("--plot", metavar="FILE", help="Write the curve as .svg, .png or .html.")]
DocsOut = Annotated[
    Path, typer.Option("--out", "-o", metavar="DIR", rich_help_panel=RESULT, help="Where the pages go.")
]
