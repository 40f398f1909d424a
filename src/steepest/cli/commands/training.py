"""Commands about one model: fit, evaluate, lr."""

from __future__ import annotations

from pathlib import Path

import typer

from ..exits import guarded
from ..options import common, judging, ranges, training

app = typer.Typer()


@app.command(no_args_is_help=True)
@guarded
def fit(
    *,
    model: common.Model = "mlp",
    data: training.FitData = None,
    loss: training.FitLoss = None,
    optimizer: training.FitOptimizer = "nadamw",
    learning_rate: training.LearningRate = None,
    schedule: training.FitSchedule = "auto",
    epochs: training.FitEpochs = 20,
    batch_size: common.BatchSize = 64,
    validation: training.Validation = "0.2",
    metrics: training.FitMetrics = None,
    patience: training.Patience = None,
    clip_norm: training.ClipNorm = None,
    ema: training.Ema = None,
    precision: training.Precision = "float32",
    standardise: training.Standardise = True,
    task: common.Task = None,
    device: training.Device = None,
    nproc: training.Processes = 1,
    shard: training.Shard = False,
    seed: training.RunSeed = 0,
    out: training.FitOut = None,
    resume: training.ResumeRun = None,
) -> None:
    """Train one model, with checkpoints, early stopping and a history.

    The folder then holds [bold]model.safetensors[/bold], [bold]history.csv[/bold] and the checkpoints.
    After Ctrl-C, or a kill, the same command goes on where it stopped and ends with the same weights.

    \b
    [dim]steepest fit mlp --data digits --epochs 20 --out runs/digits[/dim]
    [dim]steepest fit net.py:Net --data table.csv:price --loss huber --optimizer "adamw(lr=1e-3)" --patience 5[/dim]
    [dim]steepest fit cnn --data digits --nproc 2 --out runs/two[/dim]
    [dim]steepest fit net.py:Large --data table.csv:price --nproc 4 --shard[/dim]
    [dim]steepest fit --resume runs/digits[/dim]
    """
    from ..runs import go_on, train_one

    asked = {name: value for name, value in locals().items() if name not in ("out", "resume", "go_on", "train_one")}
    go_on(resume) if resume is not None else train_one(asked, out)


@app.command(no_args_is_help=True)
@guarded
def evaluate(
    *,
    checkpoint: judging.Checkpoint,
    data: judging.JudgedData,
    model: judging.OtherModel = None,
    metrics: judging.JudgedMetrics = None,
    slices: judging.Slices = None,
    threshold: judging.ThresholdRule = "f1",
    held_out: judging.HeldOut = None,
    level: judging.Level = 0.95,
    seed: judging.JudgedSeed = 0,
    form: judging.JudgedFormat = "text",
    out: judging.Page = None,
    open_page: judging.OpenPage = False,
) -> None:
    """How good a trained model is, where it fails, and what its probabilities mean.

    Every number comes with its interval. Give it rows that the model was not trained on.

    \b
    [dim]steepest evaluate runs/digits --data digits --out page.html[/dim]
    [dim]steepest evaluate runs/price --data test.csv:price --slices city,age --format json[/dim]
    """
    from ..judged import judge

    asked = {
        "checkpoint": checkpoint,
        "data": data,
        "model": model,
        "metrics": metrics,
        "slices": slices,
        "threshold": threshold,
        "held_out": held_out,
        "level": level,
        "seed": seed,
    }
    judge(asked, out, form, open_page=open_page)


@app.command(no_args_is_help=True)
@guarded
def lr(
    *,
    model: common.Model = "mlp",
    data: common.Data,
    optimizers: ranges.RangeOptimizers = "nadamw,adamw,sgd(momentum=0.9)",
    losses: ranges.RangeLosses = None,
    lowest: ranges.Lowest = None,
    highest: ranges.Highest = None,
    rates: ranges.NRates = 17,
    steps: ranges.Steps = 50,
    seeds: ranges.NSeeds = 3,
    seed: training.RunSeed = 0,
    task: common.Task = None,
    batch_size: common.BatchSize = 64,
    out: ranges.RangePage = Path("steepest-runs/lr.html"),
    open_page: common.Open = False,
) -> None:
    """Which learning rate to take, and from which one on training diverges.

    Short runs at each rate of a grid, all trained at once. Draws the curves here and on a page.

    \b
    [dim]steepest lr --data digits[/dim]
    [dim]steepest lr net.py:Net --data table.csv:price --optimizers "adamw,lion" --steps 200[/dim]
    """
    from ..ranges import find_rates

    asked = {
        "model": model,
        "data": data,
        "optimizers": optimizers,
        "losses": losses,
        "lowest": lowest,
        "highest": highest,
        "rates": rates,
        "steps": steps,
        "seeds": seeds,
        "seed": seed,
        "task": task,
        "batch_size": batch_size,
    }
    find_rates(asked, out, open_page=open_page)
