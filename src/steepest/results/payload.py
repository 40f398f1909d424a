"""Records as strict JSON text and back, to the last bit: NaN and infinity too, which JSON itself lacks."""

from __future__ import annotations

import json
import math
from typing import Any

from steepest.core.errors import StoreError
from steepest.results.records import Record

MARK = "$float"  # {"$float": "nan"} stands for a number that JSON cannot write


def to_text(record: Record) -> str:
    """Plain values only: numbers, strings, booleans, None, lists and dictionaries of them."""
    # vars, not .plain(): a deep copy of every curve took 3 x longer than writing it (bench/store.py).
    try:
        try:
            return _strict.encode(vars(record))
        except ValueError:  # a number that JSON lacks: rare, so only these records are walked through
            return _strict.encode(_marked(record))
    except TypeError as error:
        raise StoreError(
            where=type(record).__name__,
            seen=str(error),
            needed="plain values only were needed",
            repair="Convert it first: float(x) or x.item() for a number, x.tolist() for an array.",
        ) from error


def from_text(text: str) -> Any:
    if MARK not in text:  # a hook on every dictionary would double the time
        return json.loads(text)
    return json.loads(text, object_hook=_unmarked)


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return vars(value)
    raise TypeError(f"it holds a {type(value).__module__}.{type(value).__qualname__}")


_strict = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=_plain)


def _marked(value: Any) -> Any:
    if isinstance(value, Record):
        value = vars(value)
    if isinstance(value, float) and not math.isfinite(value):
        return {MARK: repr(float(value))}
    if isinstance(value, dict):
        return {key: _marked(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_marked(item) for item in value]
    return value


def _unmarked(values: dict[str, Any]) -> Any:
    return float(values[MARK]) if set(values) == {MARK} else values
