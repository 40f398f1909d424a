"""DataFrames: the target taken out, the rest as numbers; text, dates and missing values are named by their columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from steepest.core.errors import DataError, did_you_mean

from .mending import lines_that_mend
from .tables import split_address

SHOWN = 5


def is_frame(x: Any) -> bool:
    """A pandas DataFrame, without importing pandas."""
    return hasattr(x, "columns") and hasattr(x, "iloc")


def split_target(frame: Any, target: str | None, where: str) -> tuple[Any, Any]:
    """(the features, the target column)."""
    columns = [str(c) for c in frame.columns]
    if target is None:
        raise DataError(
            where=where, seen="no target column is named", needed=f"one of its {len(columns)} columns was needed",
            repair=f"Name it: {_named(columns[-1], where)}. Columns: {_listed(columns)}.",
        )
    if columns.count(target) != 1:
        many = target in columns
        raise DataError(
            where=where,
            seen=f"{columns.count(target)} columns are called {target!r}" if many else f"there is no column {target!r}",
            needed="exactly one target column was needed", repair="Rename them." if many else _near(target, columns),
        )
    place = columns.index(target)
    if len(columns) == 1:
        raise DataError(
            where=where, seen=f"{target!r} is the only column", needed="features beside the target were needed",
            repair="Is the delimiter right? A comma, semicolon, tab or | is recognised.",
        )
    return frame.iloc[:, [i for i in range(len(columns)) if i != place]], frame.iloc[:, place]


def numbers_of(frame: Any, where: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """A float64 array and the column names."""
    names = tuple(str(c) for c in frame.columns)
    columns = [frame.iloc[:, i] for i in range(len(names))]
    _refuse_missing(names, columns, where)
    _refuse_not_numbers(names, columns, where)
    numbers = [c.to_numpy(dtype=np.float64) for c in columns]
    return np.column_stack(numbers) if numbers else np.empty((len(frame), 0)), names


def _near(target: str, columns: Sequence[str]) -> str:
    near = did_you_mean(target, columns)
    return near if near.startswith("Did") else f"Columns: {_listed(columns)}."


def _named(target: str, where: str) -> str:
    """As it is written beside a file, on the command line too, or beside a frame."""
    spec = f"{where}:{target}"
    return f"{spec!r}, or target={target!r}" if split_address(spec) else f"target={target!r}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 20 else f"{', '.join(names[:10])}, ... ({len(names)} in all)"


def _refuse_missing(names: Sequence[str], columns: Sequence[Any], where: str) -> None:
    counts = [(name, int(c.isna().sum()), c) for name, c in zip(names, columns)]
    counts = [entry for entry in counts if entry[1]]
    if not counts:
        return
    told = [f"{name!r} has {n} (first in row {int(c.isna().to_numpy().argmax())})" for name, n, c in counts[:SHOWN]]
    more = f" and {len(counts) - SHOWN} more columns" if len(counts) > SHOWN else ""
    text = [repr(name) for name, c in zip(names, columns) if c.dtype.kind not in "biuf"]
    beside = f"; no numbers are in {_listed(text)}" if text else ""
    raise DataError(
        where=where, seen=f"values are missing: {', '.join(told)}{more}{beside}",
        needed="every value must be there" + (", and be a number" if text else ""),
        repair="Rows are counted from 0; frame.dropna() leaves them out. "
        f"With pandas this table becomes one of numbers:\n{lines_that_mend(names, columns)}",
    )


def _refuse_not_numbers(names: Sequence[str], columns: Sequence[Any], where: str) -> None:
    wrong = [(name, c) for name, c in zip(names, columns) if c.dtype.kind not in "biuf"]
    if not wrong:
        return
    name, column = wrong[0]
    if column.dtype.kind in "mM":
        raise DataError(
            where=where, seen=f"column {name!r} holds dates or times", needed="every feature must be a number",
            repair=f"With pandas this table becomes one of numbers:\n{lines_that_mend(names, columns)}",
        )
    _refuse_almost_numbers(name, column, where)
    words = [str(v) for v in column.unique()[:3]]
    others = [n for n, _ in wrong[1:]]
    beside = f", and so do {_listed([repr(n) for n in others])}" if others else ""
    raise DataError(
        where=where, seen=f"column {name!r} holds text ({', '.join(repr(w) for w in words)}, ...){beside}",
        needed="every feature must be a number",
        repair=f"With pandas this table becomes one of numbers:\n{lines_that_mend(names, columns)}",
    )


def _refuse_almost_numbers(name: str, column: Any, where: str) -> None:
    """A column of numbers with a few odd cells ("?", "n/a"), or with decimal commas."""
    import pandas

    text = column.astype(str)
    if text.str.fullmatch(r"\s*[+-]?\d+,\d+\s*").any() and text.str.fullmatch(r"\s*[+-]?\d+(,\d+)?\s*").all():
        raise DataError(
            where=where, seen=f"column {name!r} writes numbers with a decimal comma ({text.iloc[0]!r})",
            needed="a decimal point was needed",
            repair=f"pandas.read_csv(..., decimal=',') reads it; "
            f"or frame[{name!r}].str.replace(',', '.').astype(float).",
        )
    odd = pandas.to_numeric(text, errors="coerce").isna()
    if 0 < odd.sum() <= len(odd) / 2:
        row = int(odd.to_numpy().argmax())
        cell, n = column.iloc[row], int(odd.sum())
        raise DataError(
            where=where,
            seen=f"column {name!r} holds numbers but for {n} cells, the first {cell!r} in row {row} (counted from 0)",
            needed="every feature must be a number",
            repair=f"If {cell!r} means missing: pandas.read_csv(..., na_values={cell!r}), then fill or drop.",
        )
