"""The command that trains one model: a folder with checkpoints, the weights and the history."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
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
    folder = out or RUNS / "fit"
    folder.mkdir(parents=True, exist_ok=True)
    _remember(asked, folder)
    if asked.get("nproc", 1) > 1 and not is_one_of_many():
        raise typer.Exit(run_together(asked["nproc"], folder))
    history, module, data, scales = _run(asked, folder)
    if not is_first():
        return
    path = _keep(asked, folder, module, data, scales)
    _write_history(history, folder)
    typer.echo(repr(history))
    typer.echo(f"\nModel:   {path}\nHistory: {folder / 'history.csv'}")
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
        asked: dict[str, Any] = json.loads(path.read_text("utf-8"))["asked"]
        for name in NEEDED:
            asked[name]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            where=str(folder),
            seen=f"there is no whole {ASKED} in it",
            needed="the folder of a run was needed",
            repair="Is it the folder that --out named?",
        ) from error
    train_one(asked, folder)


def _remember(asked: Mapping[str, Any], folder: Path) -> None:
    """The command, so that it can be repeated without its words; another command is refused."""
    from steepest.core.errors import UsageError
    from steepest.results.durable import atomic_write

    path = folder / ASKED
    if path.exists():
        before = json.loads(path.read_text("utf-8"))["asked"]
        changed = [name for name in asked if asked[name] != before.get(name)]
        if changed:
            raise UsageError(
                where=str(folder),
                seen=f"the run in it has {changed[0]} {before.get(changed[0])!r} and not {asked[changed[0]]!r}",
                needed="the same command was needed to go on",
                repair="Take another folder (--out) for another run.",
            )
    atomic_write(path, json.dumps({"asked": dict(asked), "command": command_line(asked, folder)}, indent=1))


def _run(asked: Mapping[str, Any], folder: Path) -> tuple[Any, Any, Any, Any]:
    """(history, module, data, scales)."""
    from steepest.core.sealed import sealed
    from steepest.data import load
    from steepest.fit import fit
    from steepest.models import Facts, factory_of

    data = load(asked["data"], task=asked["task"])
    train, aside, scales = _parts(data, asked)
    with sealed("init", asked["seed"]):
        module = factory_of(asked["model"])(Facts.of(data))
    passed = ("loss", "optimizer", "learning_rate", "epochs", "batch_size", "metrics", "clip_norm", "ema", "patience")
    history = fit(
        module,
        train,
        validation=aside,
        schedule=None if asked["schedule"] == "none" else asked["schedule"],
        precision=asked["precision"],
        seed=asked["seed"],
        device=asked["device"],
        out=folder,
        **{name: asked[name] for name in passed},
    )
    return history, module, data, scales


def _parts(data: Any, asked: Mapping[str, Any]) -> tuple[Any, Any, tuple[Any, Any]]:
    """(rows to train on, rows to validate with or None, scales of inputs and targets)."""
    from steepest.data import load

    given = asked["validation"]
    share = _share(given)
    if share is None:
        train, aside = data, load(given, task=data.task)
    elif share == 0:
        train, aside = data, None
    else:
        train, aside = (replace(data, x=data.x[rows], y=data.y[rows]) for rows in cut(data, share, asked["seed"]))
    x, y = _scales(train, asked) if asked["standardise"] else (None, None)
    return _scaled(train, x, y), None if aside is None else _scaled(aside, x, y), (x, y)


def cut(data: Any, share: float, seed: int) -> tuple[Any, Any]:
    """(numbers of the rows to train on, of those set aside)."""
    from steepest.core.streams import generator
    from steepest.data.split import set_aside

    labels = data.y if data.task == "classification" else None
    return set_aside(len(data.y), share, labels, generator("validation part", seed))


def _share(text: str) -> float | None:
    """0.2, or None where the text names data."""
    try:
        return float(text)
    except ValueError:
        return None


def _scales(train: Any, asked: Mapping[str, Any]) -> tuple[Any, Any]:
    """Of the training part. Counts and amounts stay as they are: their losses need what is above zero."""
    from steepest.data.standardise import Scale
    from steepest.fit.links import what_it_takes
    from steepest.fit.objective import as_loss

    x = Scale.per_feature(train.x) if train.x.dim() == 2 else Scale.overall(train.x)
    is_plain = asked["loss"] is None or what_it_takes(as_loss(asked["loss"]))[0] == "same"
    return x, Scale.per_feature(train.y) if train.task == "regression" and is_plain else None


def _scaled(part: Any, x: Any, y: Any) -> Any:
    return replace(part, x=part.x if x is None else x.apply(part.x), y=part.y if y is None else y.apply(part.y))


def _keep(asked: Mapping[str, Any], folder: Path, module: Any, data: Any, scales: tuple[Any, Any]) -> Path:
    from steepest.fit.ask import DEFAULT_LOSS
    from steepest.fit.links import what_it_takes
    from steepest.fit.objective import as_loss
    from steepest.fit.trained import keep

    loss = asked["loss"] or DEFAULT_LOSS[data.task]
    about = {
        "loss": loss,
        "grows": what_it_takes(as_loss(loss))[1] == "log_means",
        "command": command_line(asked, folder),
        "validation": asked["validation"],
        "seed": asked["seed"],
    }
    return keep(folder, module, asked["model"], data, *scales, about)


def _write_history(history: Any, folder: Path) -> None:
    from steepest.results.durable import atomic_write

    atomic_write(folder / "history.csv", history.to_frame().to_csv(index=False))


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
