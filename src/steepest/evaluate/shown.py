"""How the numbers of an evaluation are written: shares in percent points, others with four digits."""

from __future__ import annotations

import math

from steepest.report.numbers import NONE, minus

from .record import Number


def value(number: Number, x: float | None = None) -> str:
    """One value of the number, in its unit."""
    x = number.value if x is None else x
    if not math.isfinite(x):
        return NONE
    return minus(f"{100 * x:.1f} %") if number.unit == "share" else minus(f"{x:.4g}")


def interval(number: Number) -> str:
    if not (math.isfinite(number.low) and math.isfinite(number.high)):
        return "[no interval]"
    ends = [value(number, end).removesuffix(" %") for end in (number.low, number.high)]
    return f"[{ends[0]}, {ends[1]}]"


def percent(share: float) -> str:
    return minus(f"{100 * share:.1f} %") if math.isfinite(share) else NONE


def between(low: float, high: float) -> str:
    """An interval of a share, in percent points."""
    return f"[{percent(low).removesuffix(' %')}, {percent(high).removesuffix(' %')}]"


def title(name: str) -> str:
    """ "log_loss" as "log loss"."""
    return name.replace("_", " ")
