"""The lines of pandas that make a table of numbers of this very table, for the error that refuses it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MOST_WORDS = 50
"""A column with more of them, or with a word of its own in most rows, only names the rows."""


def lines_that_mend(names: Sequence[str], columns: Sequence[Any]) -> str:
    """What to do with `frame`, in an order that works, one act per line."""
    dropped: list[str] = []
    words: list[str] = []
    dates, filled = [], []
    for name, column in zip(names, columns):
        if column.dtype.kind in "mM":
            dates.append(f"frame[{name!r}] = (frame[{name!r}] - frame[{name!r}].min()){_days(column)}")
        elif column.dtype.kind not in "biuf":
            if _holds_dates(column):
                dates.append(f"frame[{name!r}] = pandas.to_datetime(frame[{name!r}])")
                dates.append(f"frame[{name!r}] = (frame[{name!r}] - frame[{name!r}].min()).dt.days")
            else:
                (dropped if _names_rows(column) else words).append(name)
        if column.isna().any() and name not in (*dropped, *words):
            filled.append(f"frame[{name!r}] = frame[{name!r}].fillna(frame[{name!r}].median())")
    return "\n".join(
        [
            *([f"frame = frame.drop(columns={dropped!r})  # too many different words"] if dropped else []),
            *dates,
            *filled,
            *([f"frame = pandas.get_dummies(frame, columns={words!r}, dtype=float)"] if words else []),
        ]
    )


def _days(column: Any) -> str:
    return ".dt.days" if column.dtype.kind == "M" else ".dt.total_seconds()"


def _names_rows(column: Any) -> bool:
    n = column.nunique()
    return n > MOST_WORDS or n > max(2, len(column) / 2)


def _holds_dates(column: Any) -> bool:
    import pandas

    known = column.dropna().astype(str)
    if not len(known) or not known.head(20).str.match(r"\s*\d{4}-\d\d-\d\d").all():
        return False
    return bool(pandas.to_datetime(known.head(20), errors="coerce", utc=True).notna().all())
