"""Callbacks are plain functions on events.

Loggers are known by the method that they have (TensorBoard, W&B, MLflow, a CSV).
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steepest.core.errors import UsageError

from .history import History

Callback = Callable[["Event"], Any]


@dataclass
class Event:
    """What a callback is told. kind: "begin", "step", "epoch" or "end"; step and epoch count what is done.

    numbers: of the epoch that has ended, or of the step ("loss", "learning_rate"). Call `stop("why")` to end the
    run after this.
    """

    kind: str
    step: int
    epoch: int
    numbers: Mapping[str, Any]
    history: History
    model: Any
    optimizer: Any
    reason: str = ""

    def stop(self, reason: str) -> None:
        self.reason = reason


def as_callbacks(asked: Any) -> list[Callback]:
    """Functions as they are; what logs numbers is wrapped."""
    listed = list(asked) if isinstance(asked, Iterable) and not isinstance(asked, (str, os.PathLike)) else [asked]
    return [_as_callback(one) for one in listed]


def _as_callback(one: Any) -> Callback:
    if isinstance(one, (str, os.PathLike)):
        return _Table(Path(one))
    for method, wrap in (("add_scalar", _tensorboard), ("log_metrics", _mlflow), ("log", _wandb)):
        if callable(getattr(one, method, None)):
            return wrap(one)
    if callable(one):
        return one
    raise UsageError(
        where="callbacks",
        seen=f"a {type(one).__name__}",
        needed="a function of an event, a path of a .csv, or something with add_scalar, log or log_metrics was needed",
        repair="callbacks=[lambda event: print(event.kind, event.numbers)]",
    )


def _numbers(event: Event) -> dict[str, float]:
    return {name: float(v) for name, v in event.numbers.items() if isinstance(v, (int, float)) and name != "epoch"}


def _tensorboard(writer: Any) -> Callback:
    def log(event: Event) -> None:
        if event.kind == "epoch":
            for name, number in _numbers(event).items():
                writer.add_scalar(name, number, event.epoch)

    return log


def _mlflow(client: Any) -> Callback:
    def log(event: Event) -> None:
        if event.kind == "epoch":
            client.log_metrics(_numbers(event), step=event.epoch)

    return log


def _wandb(run: Any) -> Callback:
    def log(event: Event) -> None:
        if event.kind == "epoch":
            run.log(_numbers(event), step=event.epoch)

    return log


class _Table:
    """A CSV with a line per epoch, written anew each time: a resumed run leaves no line twice."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, event: Event) -> None:
        if event.kind != "epoch":
            return
        from io import StringIO

        from steepest.results.durable import atomic_write

        text = StringIO()
        table = csv.DictWriter(text, event.history.columns, lineterminator="\n")
        table.writeheader()
        table.writerows(event.history.rows)
        atomic_write(self.path, text.getvalue())
