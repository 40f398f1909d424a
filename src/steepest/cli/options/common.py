"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from .. import known

WHAT, HOW_SURE, TRAINING, RESULT = "What is compared", "How long, how sure", "Training", "Result"

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        autocompletion=known.complete_model,
        help="linear, mlp, cnn, or [bold]file.py:Net[/bold]: a class, or a function that makes one. "
        "It is given n_features, n_classes or shape if its signature asks.",
    ),
]
Data = Annotated[
    str,
    typer.Option(
        "--data",
        "-d",
        metavar="SPEC",
        autocompletion=known.complete_source,
        rich_help_panel=WHAT,
        help="[bold]table.csv:target[/bold], table.parquet:target, a folder in MNIST's format, module:attribute, "
        "or a name such as digits.",
    ),
]
Optimizers = Annotated[
    str,
    typer.Option(
        metavar="A,B",
        autocompletion=known.complete_optimizers,
        rich_help_panel=WHAT,
        help="Their learning rates are tuned for you; yours as file.py:MyOptimizer.",
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        metavar="N", rich_help_panel=HOW_SURE, help="Another number repeats the study with other random choices."
    ),
]
Task = Annotated[
    Optional[str],
    typer.Option(
        metavar="TASK",
        autocompletion=known.complete_task,
        show_default="seen from the target",
        rich_help_panel=TRAINING,
        help="classification, multilabel or regression, where it could be another.",
    ),
]
BatchSize = Annotated[int, typer.Option(metavar="N", rich_help_panel=TRAINING, help="Rows per step.")]
Open = Annotated[
    bool, typer.Option("--open", metavar=" ", rich_help_panel=RESULT, help="Open the page in the browser.")
]
Debug = Annotated[bool, typer.Option("--debug", metavar=" ", help="On an error, show where in the code it was raised.")]
