"""The command that trains one model: a folder with checkpoints, the weights and the history."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from .exits import INTERRUPTED, say
from .processes import is_first, is_one_of_many, run_together

ASKED = "fit.json"
NEEDED = ("model", "data", "loss", "optimizer", "schedule", "epochs", "batch_size", "validation", "precision", "seed")
"""Words of the command without which a run cannot go on."""
DIVERGED = 3
RUNS = Path("steepest-runs")


def train_one(asked: dict[str, Any], out: Path | None) -> None:
    """`steepest fit`."""
    if asked["data"] is None:
        raise typer.BadParameter("--data is needed: table.csv:target, digits, ... (or --resume DIR)")
    from steepest.fit.ask import folder_of
    from steepest.fit.trained import FILE
    from steepest.fit.written import HISTORY

    folder = out or RUNS / "fit"
    folder_of(folder)
    _remember(asked, folder)
    if asked.get("nproc", 1) > 1 and not is_one_of_many():
        raise typer.Exit(run_together(asked["nproc"], folder))
    history = _run(asked, folder)
    if not is_first():
        return
    typer.echo(repr(history))
    if (folder / FILE).exists():
        typer.echo(f"\nModel:   {folder / FILE}\nHistory: {folder / HISTORY}")
    if history.stopped == "interrupted":
        say("Stopped. ", f"The run is saved in {folder}.\nGo on with: steepest fit --resume {shlex.quote(str(folder))}")
        raise typer.Exit(INTERRUPTED)
    if history.stopped == "diverged":
        say("Diverged. ", "The loss became NaN: take a lower --learning-rate, or --clip-norm 1.")
        raise typer.Exit(DIVERGED)
    typer.echo(f"Judge it on other data: steepest evaluate {shlex.quote(str(folder))} --data ...")


def go_on(folder: Path) -> None:
    """`steepest fit --resume DIR`: the same command again."""
    from steepest.core.errors import StoreError

    path = folder / ASKED
    try:
        asked: dict[str, Any] = _read(path)
        for name in NEEDED:
            asked[name]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreError(
            where=str(folder),
            seen=f"there is no whole {ASKED} in it",
            needed="the folder of a run was needed",
            repair="Is it the folder that --out named?",
        ) from error
    train_one(asked, folder)


def _remember(asked: Mapping[str, Any], folder: Path) -> None:
    """The command, so that it can be repeated without its words; another one is refused where a run has begun."""
    from steepest.core.errors import UsageError
    from steepest.results.durable import atomic_write

    path = folder / ASKED
    before = _asked_before(path) if any((folder / "checkpoints").glob("*.json")) else None
    changed = [] if before is None else [name for name in asked if asked[name] != before.get(name, asked[name])]
    if before is not None and changed:
        raise UsageError(
            where=str(folder),
            seen=f"the run in it has {changed[0]} {before.get(changed[0])!r} and not {asked[changed[0]]!r}",
            needed="the same command was needed to go on",
            repair="Take another folder (--out) for another run.",
        )
    atomic_write(path, json.dumps({"asked": dict(asked), "command": command_line(asked, folder)}, indent=1))


def _asked_before(path: Path) -> dict[str, Any] | None:
    """What the folder's run was asked; None where that is lost, as then its checkpoints tell whether it is the same."""
    try:
        found = _read(path)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _read(path: Path) -> Any:
    def refuse(word: str) -> None:
        raise ValueError(f"{word} is no number of JSON")

    return json.loads(path.read_text("utf-8"), parse_constant=refuse)["asked"]


def _run(asked: Mapping[str, Any], folder: Path) -> Any:
    """The history; the folder then holds what `fit` leaves there."""
    from steepest.fit import fit

    passed = ["loss", "optimizer", "learning_rate", "epochs", "batch_size", "metrics", "clip_norm", "ema", "patience"]
    passed += ["precision", "seed", "device", "task", "standardise"]
    return fit(
        asked["model"],
        asked["data"],
        validation=_validation(asked["validation"]),
        schedule=None if asked["schedule"] == "none" else asked["schedule"],
        out=folder,
        shard=asked.get("shard", False),
        **{name: asked[name] for name in passed},
    )


def _validation(text: str) -> float | str | None:
    """A share, data, or None for "0"."""
    try:
        return float(text) or None
    except ValueError:
        return text


def command_line(asked: Mapping[str, Any], folder: Path) -> str:
    """The command in full, so that it means the same when a default changes."""
    words = ["steepest", "fit", str(asked["model"])]
    for name, value in asked.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        elif name != "model" and value is not None:
            words += [f"--{option}", str(value)]
    return shlex.join([*words, "--out", str(folder)])
