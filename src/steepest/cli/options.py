"""The options of the commands, each said once: its values, its help, its completion."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from . import known

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
Losses = Annotated[
    Optional[str],
    typer.Option(
        metavar="A,B",
        show_default="three that fit the task",
        autocompletion=known.complete_losses,
        rich_help_panel=WHAT,
        help='Names, with options where you like: "focal(gamma=1|2|5)" is three; auto: up to six that suit the data.',
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
Optimizers = Annotated[
    str,
    typer.Option(
        metavar="A,B",
        autocompletion=known.complete_optimizers,
        rich_help_panel=WHAT,
        help="Their learning rates are tuned for you.",
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
        show_default="cpu",
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
DocsOut = Annotated[
    Path, typer.Option("--out", "-o", metavar="DIR", rich_help_panel=RESULT, help="Where the pages go.")
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
Open = Annotated[
    bool, typer.Option("--open", metavar=" ", rich_help_panel=RESULT, help="Open the page in the browser.")
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
RangeLosses = Annotated[
    Optional[str],
    typer.Option(
        metavar="A,B",
        show_default="cross_entropy or mse",
        autocompletion=known.complete_losses,
        rich_help_panel=WHAT,
        help="The loss that is trained; each loss has curves of its own.",
    ),
]
Lowest = Annotated[
    Optional[float],
    typer.Option(
        metavar="LR", show_default="a tenth of the optimizer's usual lowest", rich_help_panel=WHAT, help="First rate."
    ),
]
Highest = Annotated[
    Optional[float],
    typer.Option(
        metavar="LR", show_default="ten times the optimizer's usual highest", rich_help_panel=WHAT, help="Last rate."
    ),
]
NRates = Annotated[
    int,
    typer.Option("--rates", metavar="N", min=3, rich_help_panel=HOW_SURE, help="Rates between them, evenly in log."),
]
Steps = Annotated[int, typer.Option(metavar="N", min=1, rich_help_panel=HOW_SURE, help="Optimizer steps of each run.")]
NSeeds = Annotated[
    int, typer.Option("--seeds", metavar="N", min=1, rich_help_panel=HOW_SURE, help="Runs at each rate.")
]
RangePage = Annotated[
    Path, typer.Option("--out", "-o", metavar="FILE", rich_help_panel=RESULT, help="The page with the curves.")
]
Study = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a study, finished or not.")]
To = Annotated[
    Optional[Path],
    typer.Option(
        "--to", metavar="FILE", show_default="DIR/report.html", help="Where the page goes.", rich_help_panel=RESULT
    ),
]
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
Debug = Annotated[bool, typer.Option("--debug", metavar=" ", help="On an error, show where in the code it was raised.")]
Script = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where the script goes.")]
ExportTo = Annotated[str, typer.Option("--to", metavar="NAME", help="optuna, parquet, csv or json.")]
ExportOut = Annotated[
    Optional[Path], typer.Option("--out", "-o", metavar="FILE", show_default="in DIR", help="Where the file goes.")
]
Cited = Annotated[
    list[str], typer.Argument(metavar="DIR|NAME...", help="Folders of studies, or names of the catalogue.")
]
Bibtex = Annotated[bool, typer.Option("--bibtex", metavar=" ", help="Print the BibTeX entries, and nothing else.")]

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
Standardise = Annotated[
    bool,
    typer.Option(
        "--standardise/--no-standardise",
        metavar=" ",
        rich_help_panel=TRAINING,
        help="Bring features, and numbers to predict, to mean 0 and spread 1; the model file undoes it.",
    ),
]
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
Page = Annotated[
    Optional[Path], typer.Option("--out", "-o", metavar="FILE", help="Write the page, one HTML file, offline.")
]
JudgedFormat = Annotated[str, typer.Option("--format", metavar="NAME", help="text or json.")]
OpenPage = Annotated[bool, typer.Option("--open", metavar=" ", help="Open the page in the browser.")]
