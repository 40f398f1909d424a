"""The command line. A command's work is imported when it runs: `--help` loads no torch and answers at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options
from .arguments import KEY, TakesScriptArguments
from .exits import guarded

app = typer.Typer(
    name="steepest",
    help="Which loss, optimizer and learning rate is best for my PyTorch model on my data, and how sure can I be?",
    epilog="Start with [bold]steepest demo[/bold]. All that can be compared: [bold]steepest list[/bold].",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """The entry point of the command."""
    app(prog_name="steepest")


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from .machine import installed

        typer.echo(f"steepest {installed('steepest')}")
        raise typer.Exit


@app.callback()
def _steepest(
    _version: Annotated[
        bool, typer.Option("--version", metavar=" ", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    pass


@app.command(no_args_is_help=True)
@guarded
def compare(
    *,
    model: options.Model = "mlp",
    data: options.Data,
    losses: options.Losses = None,
    weightings: options.Weightings = "none",
    optimizers: options.Optimizers = "nadamw,adamw,sgd(momentum=0.9)",
    schedules: options.Schedules = "warmup_cosine",
    baseline: options.Baseline = None,
    metric: options.Metric = None,
    budget: options.Budget = "60s",
    seeds: options.Seeds = "auto",
    rope: options.Rope = None,
    seed: options.Seed = 0,
    dry_run: options.DryRun = False,
    task: options.Task = None,
    batch_size: options.BatchSize = 64,
    epochs: options.Epochs = None,
    engine: options.Engine = "auto",
    check: options.Check = True,
    machines: options.Machines = "local",
    device: options.Devices = None,
    memory: options.Memory = None,
    out: options.Out = None,
    open_page: options.Open = False,
) -> None:
    """Which loss, optimizer and learning rate is best, and how sure is that.

    All combinations are trained at once, the learning rate tuned inside each of them.
    The best meet again on fresh seeds and on data that nothing has touched.
    The folder then holds [bold]report.html[/bold], [bold]verdict.json[/bold] and [bold]store.sqlite[/bold].

    \b
    [dim]steepest compare --data digits --losses cross_entropy,focal[/dim]
    [dim]steepest compare net.py:Net --data table.csv:price --losses mse,huber[/dim]
    [dim]steepest compare --data digits --losses "focal(gamma=1|2|5),square"[/dim]
    [dim]steepest compare --data table.csv:fraud --weightings none,square_root[/dim]
    [dim]steepest compare --data wine --baseline "cross_entropy + sgd(lr=0.01)"[/dim]
    """
    from .studies import compare_or_plan

    asked = dict(
        model=model,
        data=data,
        losses=losses,
        weightings=weightings,
        optimizers=optimizers,
        schedules=schedules,
        baseline=baseline,
        metric=metric,
        budget=budget,
        seeds=seeds,
        rope=rope,
        seed=seed,
        task=task,
        batch_size=batch_size,
        epochs=epochs,
        engine=engine,
        check=check,
    )
    means = dict(machines=machines, device=device, memory=memory)
    compare_or_plan(asked, out, means, dry_run=dry_run, open_page=open_page)


@app.command(no_args_is_help=True)
@guarded
def report(*, folder: options.Study, to: options.To = None, open_page: options.Open = False) -> None:
    """Draw the page of a study again, from its store alone.

    Model and data are not needed, and the study may still be at work.

    \b
    [dim]steepest report steepest-runs/demo --open[/dim]
    """
    from .studies import draw_again

    draw_again(folder, to, open_page=open_page)


@app.command(no_args_is_help=True)
@guarded
def resume(
    *,
    folder: options.Study,
    machines: options.Machines = "local",
    device: options.Devices = None,
    memory: options.Memory = None,
    open_page: options.Open = False,
) -> None:
    """Go on with a study that was stopped.

    The result is the same as without the stop. Device and memory are as they were unless others are given.

    \b
    [dim]steepest resume steepest-runs/demo[/dim]
    """
    from .studies import go_on

    go_on(folder, dict(machines=machines, device=device, memory=memory), open_page=open_page)


@app.command(no_args_is_help=True)
@guarded
def eject(*, folder: options.Study, out: options.Script = Path("train.py")) -> None:
    """Write the winner as one plain PyTorch script.

    It runs without Steepest and reaches the confirmed score: same split, initialisation, batch order and dropout.

    \b
    [dim]steepest eject steepest-runs/demo --out train.py && python train.py[/dim]
    """
    from .outgoing import eject

    eject(folder, out)


@app.command(no_args_is_help=True)
@guarded
def export(*, folder: options.Study, to: options.ExportTo, out: options.ExportOut = None) -> None:
    """Every trial of a study for another program: Optuna and its dashboard, or a table.

    \b
    [dim]steepest export steepest-runs/demo --to optuna[/dim]
    [dim]steepest export steepest-runs/demo --to csv --out trials.csv[/dim]
    """
    from .outgoing import export

    export(folder, to, out)


@app.command(no_args_is_help=True)
@guarded
def cite(*, names: options.Cited, bibtex: options.Bibtex = False) -> None:
    """References of exactly what a study used, or of items by name; lines to read, then BibTeX.

    \b
    [dim]steepest cite steepest-runs/demo --bibtex > references.bib[/dim]
    [dim]steepest cite focal adamw[/dim]
    """
    from .outgoing import cite

    cite(names, bibtex)


@app.command(no_args_is_help=True)
@guarded
def fit(
    *,
    model: options.Model = "mlp",
    data: options.FitData = None,
    loss: options.FitLoss = None,
    optimizer: options.FitOptimizer = "nadamw",
    learning_rate: options.LearningRate = None,
    schedule: options.FitSchedule = "auto",
    epochs: options.FitEpochs = 20,
    batch_size: options.BatchSize = 64,
    validation: options.Validation = "0.2",
    metrics: options.FitMetrics = None,
    patience: options.Patience = None,
    clip_norm: options.ClipNorm = None,
    ema: options.Ema = None,
    precision: options.Precision = "float32",
    standardise: options.Standardise = True,
    task: options.Task = None,
    device: options.Device = None,
    nproc: options.Processes = 1,
    shard: options.Shard = False,
    seed: options.Seed = 0,
    out: options.FitOut = None,
    resume: options.ResumeRun = None,
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
    from .runs import go_on, train_one

    asked = {name: value for name, value in locals().items() if name not in ("out", "resume", "go_on", "train_one")}
    go_on(resume) if resume is not None else train_one(asked, out)


@app.command(no_args_is_help=True)
@guarded
def evaluate(
    *,
    checkpoint: options.Checkpoint,
    data: options.JudgedData,
    model: options.OtherModel = None,
    metrics: options.JudgedMetrics = None,
    slices: options.Slices = None,
    threshold: options.ThresholdRule = "f1",
    held_out: options.HeldOut = None,
    level: options.Level = 0.95,
    seed: options.JudgedSeed = 0,
    form: options.JudgedFormat = "text",
    out: options.Page = None,
    open_page: options.OpenPage = False,
) -> None:
    """How good a trained model is, where it fails, and what its probabilities mean.

    Every number comes with its interval. Give it rows that the model was not trained on.

    \b
    [dim]steepest evaluate runs/digits --data digits --out page.html[/dim]
    [dim]steepest evaluate runs/price --data test.csv:price --slices city,age --format json[/dim]
    """
    from .judged import judge

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
    model: options.Model = "mlp",
    data: options.Data,
    optimizers: options.Optimizers = "nadamw,adamw,sgd(momentum=0.9)",
    losses: options.RangeLosses = None,
    lowest: options.Lowest = None,
    highest: options.Highest = None,
    rates: options.NRates = 17,
    steps: options.Steps = 50,
    seeds: options.NSeeds = 3,
    seed: options.Seed = 0,
    task: options.Task = None,
    batch_size: options.BatchSize = 64,
    out: options.RangePage = Path("steepest-runs/lr.html"),
    open_page: options.Open = False,
) -> None:
    """Which learning rate to take, and from which one on training diverges.

    Short runs at each rate of a grid, all trained at once. Draws the curves here and on a page.

    \b
    [dim]steepest lr --data digits[/dim]
    [dim]steepest lr net.py:Net --data table.csv:price --optimizers "adamw,lion" --steps 200[/dim]
    """
    from .ranges import find_rates

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


@app.command("list")
@guarded
def list_items(*, kind: options.Listed = None) -> None:
    """All losses, weightings, optimizers, schedules, transforms, metrics, data sets and models.

    With what each is for and its hyperparameters. In a pipe the columns are separated by tabs, one line per name.

    \b
    [dim]steepest list losses[/dim]
    [dim]steepest list optimizers | cut -f1[/dim]
    """
    from .catalogue import print_list

    print_list(kind)


@app.command(no_args_is_help=True)
@guarded
def explain(
    *,
    name: options.Name,
    latex: options.Latex = False,
    code: options.Code = False,
    plot: options.Plot = None,
) -> None:
    """Formula, curve, parameters, use and source of any of them.

    \b
    [dim]steepest explain focal[/dim]
    [dim]steepest explain adamw --plot adamw.svg[/dim]
    [dim]steepest explain torch.nn.HuberLoss --latex[/dim]
    """
    from .catalogue import print_explanation

    print_explanation(name, latex=latex, code=code, plot=plot)


@app.command(no_args_is_help=True)
@guarded
def suggest(
    *,
    task: options.SuggestedTask,
    imbalanced: options.Imbalanced = False,
    outliers: options.Outliers = False,
    noisy_labels: options.NoisyLabels = False,
) -> None:
    """Losses and weightings worth trying, each with its reason.

    The first one is what the others must beat. In a pipe the columns are separated by tabs.

    \b
    [dim]steepest suggest --task classification --imbalanced[/dim]
    [dim]steepest suggest --task regression --outliers[/dim]
    """
    from .catalogue import print_suggestions

    print_suggestions(task, imbalanced=imbalanced, outliers=outliers, noisy_labels=noisy_labels)


@app.command()
@guarded
def docs(*, out: options.DocsOut = Path("steepest-docs"), open_page: options.Open = False) -> None:
    """The whole catalogue as pages, one for each item.

    With formula, curves, when to take it and when not, what it is called elsewhere. Files without scripts, read offline.

    \b
    [dim]steepest docs --out steepest-docs --open[/dim]
    """
    from .catalogue import write_pages

    write_pages(out, open_page=open_page)


@app.command("check", cls=TakesScriptArguments, no_args_is_help=True)
@guarded
def check_script(
    *,
    paths: options.Paths = None,
    run: options.Run = False,
    form: options.Format = "text",
    explain: options.Explain = None,
    ignore: options.Ignore = "",
    steps: options.WatchedSteps = 30,
    time_limit: options.TimeLimit = 60.0,
    ctx: typer.Context,
) -> None:
    """Mistakes that ruin training silently, with evidence and repair.

    Without --run the file is only read. Exit code 1 when there is an error, 0 otherwise.
    A line's finding is silenced by [bold]# steepest: ignore[L01][/bold].

    \b
    [dim]steepest check train.py[/dim]
    [dim]steepest check train.py --run -- --epochs 3[/dim]
    [dim]steepest check . --format github[/dim]
    [dim]steepest check --explain L01[/dim]
    """
    from .check import check_and_print, print_check

    if explain is not None:
        print_check(explain)
        return
    argv = ctx.meta.get(KEY, [])
    check_and_print(paths or [], run=run, form=form, ignore=ignore, steps=steps, time_limit=time_limit, argv=argv)


@app.command()
@guarded
def demo(*, out: options.DemoOut = Path("steepest-runs/demo"), open_page: options.Open = False) -> None:
    """A comparison on real data in a minute: a verdict and a page.

    4 losses x 3 optimizers on handwritten digits, bundled with scikit-learn; nothing is downloaded.
    """
    from .studies import show

    show(out, open_page=open_page)


@app.command()
@guarded
def version() -> None:
    """Versions of Steepest and of what it runs on."""
    from .machine import print_versions

    print_versions()
