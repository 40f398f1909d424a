"""Commands that show the catalogue."""

from __future__ import annotations

from pathlib import Path

import typer

from ..exits import guarded
from ..options import catalogue, common

app = typer.Typer()


@app.command("list")
@guarded
def list_items(*, kind: catalogue.Listed = None) -> None:
    """All losses, weightings, optimizers, schedules, transforms, metrics, data sets and models.

    With what each is for and its hyperparameters. In a pipe the columns are separated by tabs, one line per name.

    \b
    [dim]steepest list losses[/dim]
    [dim]steepest list optimizers | cut -f1[/dim]
    """
    from ..catalogue import print_list

    print_list(kind)


@app.command(no_args_is_help=True)
@guarded
def explain(
    *,
    name: catalogue.Name,
    latex: catalogue.Latex = False,
    code: catalogue.Code = False,
    plot: catalogue.Plot = None,
) -> None:
    """Formula, curve, parameters, use and source of any of them.

    \b
    [dim]steepest explain focal[/dim]
    [dim]steepest explain adamw --plot adamw.svg[/dim]
    [dim]steepest explain torch.nn.HuberLoss --latex[/dim]
    """
    from ..catalogue import print_explanation

    print_explanation(name, latex=latex, code=code, plot=plot)


@app.command(no_args_is_help=True)
@guarded
def suggest(
    *,
    task: catalogue.SuggestedTask,
    imbalanced: catalogue.Imbalanced = False,
    outliers: catalogue.Outliers = False,
    noisy_labels: catalogue.NoisyLabels = False,
) -> None:
    """Losses and weightings worth trying, each with its reason.

    The first one is what the others must beat. In a pipe the columns are separated by tabs.

    \b
    [dim]steepest suggest --task classification --imbalanced[/dim]
    [dim]steepest suggest --task regression --outliers[/dim]
    """
    from ..catalogue import print_suggestions

    print_suggestions(task, imbalanced=imbalanced, outliers=outliers, noisy_labels=noisy_labels)


@app.command()
@guarded
def docs(*, out: catalogue.DocsOut = Path("steepest-docs"), open_page: common.Open = False) -> None:
    """The whole catalogue as pages, one for each item.

    With formula, curves, when to take it and when not, what it is called elsewhere. Files without scripts, read offline.

    \b
    [dim]steepest docs --out steepest-docs --open[/dim]
    """
    from ..catalogue import write_pages

    write_pages(out, open_page=open_page)
