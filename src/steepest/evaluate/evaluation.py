"""What `evaluate` gives back: findings as fields, text, table, JSON and page; and against another model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from steepest.report.embedded import json_for_script
from steepest.results.durable import atomic_write

from .against import Comparison, compared
from .answers import Answers
from .page import page
from .record import Findings, Number
from .terminal import text


class Evaluation:
    """How good a model is on these data, each number with its interval. `found` holds everything as plain values.

    `evaluation["accuracy"]` is a number with low and high; `print(evaluation)` a summary; `write(path)` makes the page.
    """

    def __init__(self, found: Findings, answers: Answers, metrics: Any) -> None:
        self.found, self._answers, self._metrics = found, answers, metrics

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "found":
            raise AttributeError(name)
        return getattr(self.found, name)

    def __getitem__(self, name: str) -> Number:
        for number in self.found.numbers:
            if number.name == name:
                return number
        raise KeyError(f"there is no {name!r}; there are {', '.join(n.name for n in self.found.numbers)}")

    def __str__(self) -> str:
        return text(self.found)

    def __repr__(self) -> str:
        shown = "; ".join(map(str, self.found.numbers[:3]))
        return f"<Evaluation of {self.found.model} on {self.found.n:,} rows: {shown}>"

    def table(self) -> Any:
        """A pandas DataFrame, one row for each number."""
        import pandas

        columns = ("name", "value", "low", "high", "method", "note")
        return pandas.DataFrame([{c: getattr(n, c) for c in columns} for n in self.found.numbers]).set_index("name")

    def plain(self) -> dict[str, Any]:
        """Dictionaries and lists of numbers and words."""
        return self.found.plain()

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """All findings as JSON (NaN is null), written to `path` if there is one."""
        written = json_for_script(self.plain())
        if path is not None:
            atomic_write(path, written)
        return written

    def write(self, path: str | os.PathLike[str]) -> Path:
        """One HTML file, offline, with all findings."""
        target = Path(path)
        atomic_write(target, page(self.found))
        return target

    def against(self, other: Evaluation, names: tuple[str, str] | None = None) -> Comparison:
        """This model against another one on the same rows: McNemar's exact test and paired bootstrap of each number."""
        names = names or _two_names(self.found.model, other.found.model)
        return compared(self._answers, other._answers, names, self._metrics, self.found.level)


def _two_names(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a != b else (f"{a} (1)", f"{b} (2)")
