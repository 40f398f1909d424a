"""The commands that run or redraw a study: what they print, where the folder is, what Ctrl-C leaves."""

from __future__ import annotations

import hashlib
import io
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import typer

from .exits import interrupted, say

RUNS = Path("steepest-runs")
LONG_LINE = 400
NO_BREAK_SPACE = "\xa0"
# Work, not time, so that everybody sees the same verdict.
DEMO: Mapping[str, Any] = dict(
    model="mlp",
    data="digits",
    losses="cross_entropy,focal,square",
    optimizers="sgd(momentum=0.9),nadamw",
    metric="accuracy",
    budget="30000epochs",
)


def compare_or_plan(
    asked: dict[str, Any], out: Path | None, means: Mapping[str, Any], *, dry_run: bool, open_page: bool
) -> None:
    """`steepest compare`. means: machines, device and memory, which are no part of the question, and so neither of the
    folder's name nor of the command."""
    if dry_run:
        _show_plan(asked, **means)
        return
    folder = out or default_folder(asked)
    _run_and_tell(lambda: _compare(asked, folder, means), folder, open_page)


def show(folder: Path, *, open_page: bool) -> None:
    """`steepest demo`."""
    say("", "The demo is this command: " + command_line(DEMO, folder))
    compare_or_plan(dict(DEMO), folder, {}, dry_run=False, open_page=open_page)


def go_on(folder: Path, means: Mapping[str, Any], *, open_page: bool) -> None:
    """`steepest resume`."""

    def run() -> Any:
        from steepest.compare import resume

        return resume(folder, **means)

    _run_and_tell(run, folder, open_page)


def draw_again(folder: Path, to: Path | None, *, open_page: bool) -> None:
    """`steepest report`."""
    from steepest.report import write
    from steepest.results.store import read_study

    page = to or folder / "report.html"
    study = read_study(folder)
    write(study, page)
    typer.echo(
        study.verdict.sentence if study.verdict else f"No verdict yet: finished so far {_listed(study.finished_rungs)}."
    )
    _tell_where(page)
    if open_page:
        typer.launch(str(page.resolve()))


def _show_plan(asked: Mapping[str, Any], machines: str, device: str | None, memory: str | None) -> None:
    from steepest.compare.ask import ask
    from steepest.compare.devices import devices_of
    from steepest.compare.machines import place_of
    from steepest.compare.prepare import plan_in_words, prepared
    from steepest.core.progress import Silent

    devices = devices_of(device)
    plan = prepared(ask(**asked), None, Silent(), place_of(machines, devices).n_workers, memory, devices).plan
    parts = ", ".join(
        f"{plan.data[f'n_{part}']} to {verb}"
        for part, verb in (("train", "train on"), ("select", "select with"), ("test", "confirm with"))
    )
    rows = f"{plan.data['n_samples']:,} rows, {parts}"
    typer.echo(f"{plan.model} with {plan.n_parameters:,} parameters on {plan.data['name']}: {rows}")
    typer.echo(
        f"{plan.metric} decides; batches of {plan.batch_size}, full runs of {plan.epochs} epochs, engine {plan.engine}"
    )
    typer.echo(plan_in_words(plan))
    typer.echo("Nothing was trained or written. To begin, leave out --dry-run.")


def _compare(asked: Mapping[str, Any], folder: Path, means: Mapping[str, Any]) -> Any:
    from steepest.compare import compare

    return compare(**asked, **means, out=folder, command=command_line(asked, folder))


def _run_and_tell(run: Callable[[], Any], folder: Path, open_page: bool) -> None:
    try:
        was_finished = _is_finished(folder)
        results = run()
    except KeyboardInterrupt:
        raise interrupted(folder) from None
    if was_finished:
        say(
            "", "This study was finished before, so nothing was trained. To run it anew, choose another folder (--out)."
        )
    from steepest.report import terminal

    _print(terminal(results.study))
    _tell_where(folder / "report.html", folder / "verdict.json")
    if open_page:
        typer.launch(str((folder / "report.html").resolve()))


def _is_finished(folder: Path) -> bool:
    from steepest.core.errors import SteepestError
    from steepest.results.store import Store, read_study

    try:
        return Store.exists(folder) and read_study(folder).verdict is not None
    except SteepestError:
        return False


def _print(shown: Any) -> None:
    """On a terminal as wide as it is; elsewhere in long lines with plain blanks, which other programs can search."""
    from rich.console import Console

    console = Console(highlight=False)
    if console.is_terminal:
        console.print(shown)
        return
    page = io.StringIO()
    Console(highlight=False, width=LONG_LINE, file=page).print(shown)
    lines = page.getvalue().replace(NO_BREAK_SPACE, " ").splitlines()
    typer.echo("\n".join(line.rstrip() for line in lines).strip("\n"))


def _tell_where(page: Path, verdict: Path | None = None) -> None:
    typer.echo(f"\nPage:    {page}" + (f"\nVerdict: {verdict}" if verdict else ""))


def _listed(rungs: list[str]) -> str:
    return ", ".join(rungs) if rungs else "nothing"


# -- the command that repeats it, and the folder where it goes ---------------------------------------


def command_line(asked: Mapping[str, Any], folder: Path | None = None) -> str:
    """The command in full, so that it means the same when a default changes."""
    words = ["steepest", "compare", str(asked["model"])]
    for name, value in asked.items():
        if isinstance(value, bool):
            words += [] if value else [f"--no-{name}"]
        elif name != "model" and value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words + (["--out", str(folder)] if folder is not None else []))


def default_folder(asked: Mapping[str, Any]) -> Path:
    """steepest-runs/digits-3f29c1: the same command finds the same folder, another one gets its own."""
    data = re.sub(r"[^A-Za-z0-9]+", "-", Path(str(asked["data"]).split(":")[0]).stem).strip("-") or "study"
    return RUNS / f"{data[:40].lower()}-{hashlib.sha256(command_line(asked).encode()).hexdigest()[:6]}"
