"""Options of evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from .. import known

Checkpoint = Annotated[
    Path,
    typer.Argument(
        metavar="CHECKPOINT",
        help="The folder of a run of fit, its model.safetensors, or the folder of a study: its winner.",
    ),
]
OtherModel = Annotated[
    Optional[str],
    typer.Option(
        "--model",
        metavar="MODEL",
        show_default="as in training",
        autocompletion=known.complete_model,
        help="Where the model's code is now, as in file.py:Net.",
    ),
]
JudgedData = Annotated[
    str,
    typer.Option(
        "--data",
        "-d",
        metavar="SPEC",
        autocompletion=known.complete_source,
        help="Rows that the model was not trained on, as for fit.",
    ),
]
JudgedMetrics = Annotated[
    Optional[str],
    typer.Option(
        "--metrics",
        metavar="A,B",
        show_default="the usual ones of the task",
        autocompletion=known.complete_metrics,
        help='Names, with options: "accuracy, fbeta(beta=2)".',
    ),
]
Slices = Annotated[
    Optional[str],
    typer.Option("--slices", metavar="COLUMN,...", help="Columns of the table: each of their parts against the rest."),
]
ThresholdRule = Annotated[
    str,
    typer.Option(
        "--threshold",
        metavar="RULE",
        help='Of two classes: f1, "fbeta(beta=2)", "cost(miss=5, false_alarm=1)" or "recall(least=0.95)".',
    ),
]
HeldOut = Annotated[
    Optional[str],
    typer.Option(
        "--held-out",
        metavar="SPEC",
        show_default="half of the rows",
        help="Data by which threshold and temperature are chosen.",
    ),
]
Level = Annotated[float, typer.Option("--level", metavar="L", help="Of the intervals.")]
JudgedSeed = Annotated[int, typer.Option("--seed", metavar="N", help="Which half of the rows chooses.")]
JudgedFormat = Annotated[str, typer.Option("--format", metavar="NAME", help="text or json.")]
Page = Annotated[
    Optional[Path], typer.Option("--out", "-o", metavar="FILE", help="Write the page, one HTML file, offline.")
]
OpenPage = Annotated[bool, typer.Option("--open", metavar=" ", help="Open the page in the browser.")]
