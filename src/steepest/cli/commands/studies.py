"""Commands that run a study, and those that read one."""

from __future__ import annotations

from pathlib import Path

import typer

from ..exits import guarded
from ..options import common, study

app = typer.Typer()


@app.command(no_args_is_help=True)
@guarded
def compare(
    *,
    model: common.Model = "mlp",
    data: common.Data,
    losses: study.Losses = None,
    weightings: study.Weightings = "none",
    optimizers: common.Optimizers = "nadamw,adamw,sgd(momentum=0.9)",
    schedules: study.Schedules = "warmup_cosine",
    baseline: study.Baseline = None,
    metric: study.Metric = None,
    budget: study.Budget = "60s",
    seeds: study.Seeds = "auto",
    rope: study.Rope = None,
    seed: common.Seed = 0,
    dry_run: study.DryRun = False,
    task: common.Task = None,
    batch_size: common.BatchSize = 64,
    epochs: study.Epochs = None,
    engine: study.Engine = "auto",
    check: study.Check = True,
    machines: study.Machines = "local",
    device: study.Devices = None,
    memory: study.Memory = None,
    out: study.Out = None,
    open_page: common.Open = False,
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
    from ..studies import compare_or_plan

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
def report(*, folder: study.Study, to: study.To = None, open_page: common.Open = False) -> None:
    """Draw the page of a study again, from its store alone.

    Model and data are not needed, and the study may still be at work.

    \b
    [dim]steepest report steepest-runs/demo --open[/dim]
    """
    from ..studies import draw_again

    draw_again(folder, to, open_page=open_page)


@app.command(no_args_is_help=True)
@guarded
def resume(
    *,
    folder: study.Study,
    machines: study.Machines = "local",
    device: study.Devices = None,
    memory: study.Memory = None,
    open_page: common.Open = False,
) -> None:
    """Go on with a study that was stopped.

    The result is the same as without the stop. Device and memory are as they were unless others are given.

    \b
    [dim]steepest resume steepest-runs/demo[/dim]
    """
    from ..studies import go_on

    go_on(folder, dict(machines=machines, device=device, memory=memory), open_page=open_page)


@app.command(no_args_is_help=True)
@guarded
def eject(*, folder: study.Study, out: study.Script = Path("train.py")) -> None:
    """Write the winner as one plain PyTorch script.

    It runs without Steepest and reaches the confirmed score: same split, initialisation, batch order and dropout.

    \b
    [dim]steepest eject steepest-runs/demo --out train.py && python train.py[/dim]
    """
    from ..outgoing import eject

    eject(folder, out)


@app.command(no_args_is_help=True)
@guarded
def export(*, folder: study.Study, to: study.ExportTo, out: study.ExportOut = None) -> None:
    """Every trial of a study for another program: Optuna and its dashboard, or a table.

    \b
    [dim]steepest export steepest-runs/demo --to optuna[/dim]
    [dim]steepest export steepest-runs/demo --to csv --out trials.csv[/dim]
    """
    from ..outgoing import export

    export(folder, to, out)


@app.command(no_args_is_help=True)
@guarded
def cite(*, names: study.Cited, bibtex: study.Bibtex = False) -> None:
    """References of exactly what a study used, or of items by name; lines to read, then BibTeX.

    \b
    [dim]steepest cite steepest-runs/demo --bibtex > references.bib[/dim]
    [dim]steepest cite focal adamw[/dim]
    """
    from ..outgoing import cite

    cite(names, bibtex)
