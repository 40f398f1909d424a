"""Options of studies: compare, report, resume, eject, export, cite, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from .. import known
from .common import HOW_SURE, RESULT, TRAINING, WHAT

Losses = Annotated[
    Optional[str],
    typer.Option(
        metavar="A,B",
        show_default="three that fit the task",
        autocompletion=known.complete_losses,
        rich_help_panel=WHAT,
        help='Names, with options where you like: "focal(gamma=1|2|5)" is three; yours as file.py:my_loss; auto: up to six that suit.',
    ),
]
Weightings = Annotated[
    str,
    typer.Option(
        metavar="A,B",
        autocompletion=known.complete_weightings,
        rich_help_panel=WHAT,
        help="How much a class counts in the loss, by its number of training samples: none, inverse_frequency, ...",
    ),
]
Schedules = Annotated[
    str,
    typer.Option(
        metavar="A,B",
        autocompletion=known.complete_schedules,
        rich_help_panel=WHAT,
        help='How the learning rate changes during a run: "cosine,cosine + plateau(patience=3)".',
    ),
]
Baseline = Annotated[
    Optional[str],
    typer.Option(
        metavar="ARM",
        rich_help_panel=WHAT,
        help='What you use today, such as "mse + sgd(lr=0.01)": it competes as it is, and tuned.',
    ),
]
Metric = Annotated[
    Optional[str],
    typer.Option(
        metavar="NAME",
        show_default="accuracy or mean_squared_error",
        autocompletion=known.complete_metric,
        rich_help_panel=WHAT,
        help="What decides, the same for all; others behind a comma are reported.",
    ),
]
Budget = Annotated[
    str,
    typer.Option(
        metavar="B",
        rich_help_panel=HOW_SURE,
        help="Time (60s, 5m, 1h), or work (2000epochs: passes over the training part, summed over all trials).",
    ),
]
Seeds = Annotated[
    str,
    typer.Option(
        metavar="N", rich_help_panel=HOW_SURE, help="Fresh seeds that confirm; auto: as many as the budget pays for."
    ),
]
Rope = Annotated[
    Optional[float],
    typer.Option(
        metavar="SIZE",
        show_default="a quarter of the seeds' spread",
        rich_help_panel=HOW_SURE,
        help="Differences up to this size do not matter to you, in the metric's unit (percent points for shares).",
    ),
]
Epochs = Annotated[
    Optional[int],
    typer.Option(
        metavar="N",
        show_default="what the budget pays for",
        min=1,
        rich_help_panel=TRAINING,
        help="Length of a full run.",
    ),
]
Engine = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        autocompletion=known.complete_engine,
        rich_help_panel=TRAINING,
        help="How trials are trained at once: auto, probe, stacked, vmap or loop.",
    ),
]
Machines = Annotated[
    str,
    typer.Option(
        metavar="PLACE",
        autocompletion=known.complete_machines,
        rich_help_panel=TRAINING,
        help="Where trials train: local, local:2 (two processes at once), auto or ray://host:10001 (a Ray cluster). "
        "The verdict is the same.",
    ),
]
Devices = Annotated[
    Optional[str],
    typer.Option(
        "--device",
        metavar="NAME,...",
        show_default="cpu; of a study that goes on, as it began",
        rich_help_panel=TRAINING,
        help="What trials train on: cpu, cuda, several that share the work (cuda:0,cuda:1), or auto: all CUDA devices.",
    ),
]
Memory = Annotated[
    Optional[str],
    typer.Option(
        metavar="SIZE",
        show_default="a share of what is free",
        rich_help_panel=TRAINING,
        help="What the trials that train together may take at most, such as 2GB.",
    ),
]
Out = Annotated[
    Optional[Path],
    typer.Option(
        "--out",
        "-o",
        metavar="DIR",
        show_default="a folder in steepest-runs",
        rich_help_panel=RESULT,
        help="The study's folder. The same command on it goes on where it stopped.",
    ),
]
DemoOut = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The study's folder.")]
Check = Annotated[
    bool,
    typer.Option(
        "--check/--no-check",
        rich_help_panel=TRAINING,
        help="Look first for a model and loss that cannot learn together.",
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        metavar=" ",
        rich_help_panel=HOW_SURE,
        help="Show the plan and what it can resolve; train nothing.",
    ),
]
Study = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a study, finished or not.")]
To = Annotated[
    Optional[Path],
    typer.Option(
        "--to", metavar="FILE", show_default="DIR/report.html", help="Where the page goes.", rich_help_panel=RESULT
    ),
]
Script = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where the script goes.")]
ExportTo = Annotated[str, typer.Option("--to", metavar="NAME", help="optuna, parquet, csv or json.")]
ExportOut = Annotated[
    Optional[Path], typer.Option("--out", "-o", metavar="FILE", show_default="in DIR", help="Where the file goes.")
]
Cited = Annotated[
    list[str], typer.Argument(metavar="DIR|NAME...", help="Folders of studies, or names of the catalogue.")
]
Bibtex = Annotated[bool, typer.Option("--bibtex", metavar=" ", help="Print the BibTeX entries, and nothing else.")]
