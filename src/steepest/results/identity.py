"""When two plans ask the same question: a resumed study must, and a folder that asks another one is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from steepest.results.payload import to_text
from steepest.results.records import Plan

# What the user decides. The rest (rungs, epochs, engine, forecast, versions) follows from a probe of the machine,
# which comes out differently every time, so it is no reason to refuse.
QUESTION = ("arms", "metric", "best", "task", "model", "data", "batch_size", "budget", "rope", "alpha", "seed")
LONGEST = 80


def differing_fields(stored: Plan, asked: Plan, fields: Sequence[str] = QUESTION) -> list[str]:
    """One sentence per field in which the two plans differ; empty when they ask the same."""
    return [words for name in fields for words in _compare(name, _plain(stored)[name], _plain(asked)[name])]


def _plain(plan: Plan) -> dict[str, Any]:
    """As it comes back from the disk: tuples have become lists."""
    values: dict[str, Any] = json.loads(to_text(plan))
    values["arms"] = {arm["name"]: arm for arm in values["arms"]}
    return values


def _compare(name: str, there: Any, here: Any) -> list[str]:
    if there == here:
        return []
    if isinstance(there, dict) and isinstance(here, dict):
        if name == "arms" and set(there) != set(here):
            return [_words(name, ", ".join(there), ", ".join(here))]
        keys = [*there, *(key for key in here if key not in there)]
        return [words for key in keys for words in _compare(f"{name}.{key}", there.get(key), here.get(key))]
    return [_words(name, there, here)]


def _words(name: str, there: Any, here: Any) -> str:
    return f"{name} is {_short(there)} there and {_short(here)} here"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
