"""Studies that end in seconds, and what of their verdict is the same wherever and whenever they run."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

from steepest.compare import compare
from steepest.compare.ask import Request, ask

WINE: dict[str, Any] = {
    "model": "linear",
    "data": "wine",
    "losses": "cross_entropy, square",
    "optimizers": "sgd(momentum=0.9), adamw",
    "budget": "4000epochs",
    "epochs": 20,
    "progress": False,
}
BESIDE = ("out", "progress", "command", "machines", "device", "memory")


def ask_for(**changes: Any) -> Request:
    """What compare(**WINE) asks, with changes."""
    defaults = {n: p.default for n, p in inspect.signature(compare).parameters.items()}
    asked = {**defaults, **WINE, **changes}
    return ask(**{n: v for n, v in asked.items() if n not in BESIDE})


def without_times(folder: Path) -> dict[str, Any]:
    """verdict.json but for durations and the command, which names the folder."""
    verdict = json.loads((folder / "verdict.json").read_text())
    return {k: v for k, v in verdict.items() if "seconds" not in k and "time" not in k and k != "command"}
