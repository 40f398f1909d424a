"""Options of fit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from .. import known
from .common import RESULT, TRAINING

FitData = Annotated[
    Optional[str],
    typer.Option(
        "--data",
        "-d",
        metavar="SPEC",
        show_default=False,
        autocompletion=known.complete_source,
        rich_help_panel=TRAINING,
        help="[bold]table.csv:target[/bold], table.parquet:target, a folder in MNIST's format, module:attribute, "
        "or a name such as digits.",
    ),
]
FitLoss = Annotated[
    Optional[str],
    typer.Option(
        "--loss",
        metavar="NAME",
        show_default="cross_entropy or mse",
        autocompletion=known.complete_losses,
        rich_help_panel=TRAINING,
        help='A loss with its options: "focal(gamma=2)".',
    ),
]
FitOptimizer = Annotated[
    str,
    typer.Option(
        "--optimizer",
        metavar="NAME",
        autocompletion=known.complete_optimizers,
        rich_help_panel=TRAINING,
        help='A rule, with options and transforms: "adamw(lr=1e-3) + clip_norm(1.0)".',
    ),
]
LearningRate = Annotated[
    Optional[float],
    typer.Option(
        "--learning-rate", metavar="LR", show_default="the rule's own", rich_help_panel=TRAINING, help="Step size."
    ),
]
FitSchedule = Annotated[
    str,
    typer.Option(
        "--schedule",
        metavar="NAME",
        autocompletion=known.complete_schedules,
        rich_help_panel=TRAINING,
        help='How the learning rate changes, such as "cosine + plateau(patience=3)"; none keeps it.',
    ),
]
FitEpochs = Annotated[
    int, typer.Option("--epochs", metavar="N", min=1, rich_help_panel=TRAINING, help="Passes over the data.")
]
Validation = Annotated[
    str,
    typer.Option(
        metavar="SHARE", rich_help_panel=TRAINING, help="Share of the rows that is not trained on, or data; 0: none."
    ),
]
FitMetrics = Annotated[
    Optional[str],
    typer.Option(
        "--metrics",
        metavar="A,B",
        show_default="accuracy or mean_absolute_error",
        autocompletion=known.complete_metrics,
        rich_help_panel=TRAINING,
        help="Shown after each epoch; the first says which epoch is best.",
    ),
]
Patience = Annotated[
    Optional[int],
    typer.Option(
        metavar="N", min=1, rich_help_panel=TRAINING, help="Epochs without a better score, after which it ends."
    ),
]
ClipNorm = Annotated[
    Optional[float], typer.Option("--clip-norm", metavar="X", rich_help_panel=TRAINING, help="Longest gradient.")
]
Ema = Annotated[
    Optional[float],
    typer.Option(metavar="D", rich_help_panel=TRAINING, help="Decay of averaged weights, such as 0.999."),
]
Precision = Annotated[str, typer.Option(metavar="NAME", rich_help_panel=TRAINING, help="float32, bfloat16 or float16.")]
Standardise = Annotated[
    bool,
    typer.Option(
        "--standardise/--no-standardise",
        metavar=" ",
        rich_help_panel=TRAINING,
        help="Bring features, and numbers to predict, to mean 0 and spread 1; the model file undoes it.",
    ),
]
Device = Annotated[
    Optional[str],
    typer.Option(
        metavar="NAME", show_default="the GPU if there is one", rich_help_panel=TRAINING, help="cpu, cuda, ..."
    ),
]
Processes = Annotated[
    int,
    typer.Option(
        "--nproc",
        metavar="N",
        min=1,
        rich_help_panel=TRAINING,
        help="Processes that share each batch; torchrun does too.",
    ),
]
Shard = Annotated[
    bool,
    typer.Option(
        "--shard/--no-shard",
        metavar=" ",
        rich_help_panel=TRAINING,
        help="Each process holds a part of weights, gradients and optimizer (FSDP).",
    ),
]
RunSeed = Annotated[
    int,
    typer.Option("--seed", metavar="N", rich_help_panel=TRAINING, help="Another number draws other random choices."),
]
FitOut = Annotated[
    Optional[Path],
    typer.Option(
        "--out",
        "-o",
        metavar="DIR",
        show_default="steepest-runs/fit",
        rich_help_panel=RESULT,
        help="Checkpoints, weights and history. The same command on it goes on where it stopped.",
    ),
]
ResumeRun = Annotated[
    Optional[Path],
    typer.Option(
        "--resume", metavar="DIR", rich_help_panel=RESULT, help="Go on with the run of that folder, as it was asked."
    ),
]
