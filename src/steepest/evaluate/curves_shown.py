"""The curves of an evaluation on its page: two charts, their legend, and what they say in words."""

from __future__ import annotations

from functools import partial

from steepest.report.blocks import Block, Cell, Column, Figure, Key, Name, Part, Table
from steepest.report.charts.trade_off import HUES, Line, trade_off
from steepest.report.names import clean, labels

from .record import ClassCurves, Findings
from .shown import interval, percent, value


def class_curves(found: Findings) -> Block | None:
    """ROC and precision-recall; None where there are no probabilities of classes."""
    if not found.curves:
        return None
    first = found.curves[0]
    answer = f"Area under the ROC curve {_area(first)}"
    many = len(found.curves) > 1
    answer += f" for {clean(first.name, 40)}, the class that is the hardest to tell from the others." if many else "."
    return Block(answer, [_roc(found), _precision_recall(found), _table(found)])


def _area(curve: ClassCurves) -> str:
    return f"{value(curve.area)} {interval(curve.area)}"


def _roc(found: Findings) -> Part:
    at = found.curves[0].chosen
    chosen = (
        None
        if at is None
        else (at[0], at[1], f"chosen threshold: {percent(at[1])} found, {percent(at[0])} false alarms")
    )
    lines = [
        Line([(p.x, p.y, p.low, p.high) for p in curve.roc], f"{clean(curve.name, 40)}: {_area(curve)}")
        for curve in found.curves
    ]
    alt = "ROC curves. " + "; ".join(
        f"{clean(curve.name, 40)}: area {_area(curve)}, {percent(_found_at(curve, 0.1))} found at 10 % false alarms"
        for curve in found.curves
    )
    if chosen is not None:
        alt += f". {chosen[2]}"
    draw = partial(
        trade_off, lines, ("false alarms, share of the others", "found, share of the class"), ((0, 0), (1, 1)), chosen
    )
    return Figure(draw, clean(alt, 1100), _caption(found), _keys(found, "guessing"))


def _precision_recall(found: Findings) -> Part:
    at, first = found.curves[0].chosen, found.curves[0]
    share = first.support / found.n
    chosen = None
    if at is not None and at[2] == at[2]:
        chosen = (at[1], at[2], f"chosen threshold: {percent(at[1])} found, {percent(at[2])} of those said are right")
    lines = [
        Line(
            [(p.x, p.y, p.low, p.high) for p in curve.precision_recall],
            f"{clean(curve.name, 40)}: average precision {value(curve.precision)}",
        )
        for curve in found.curves
    ]
    alt = "Precision-recall curves. " + "; ".join(
        f"{clean(curve.name, 40)}: average precision {value(curve.precision)} {interval(curve.precision)}"
        for curve in found.curves
    )
    draw = partial(
        trade_off, lines, ("found, share of the class", "right, share of those said"), ((0, share), (1, share)), chosen
    )
    guess = "guessing" if len(found.curves) == 1 else f"guessing {clean(first.name, 40)}"
    return Figure(draw, clean(alt, 1100), "", _keys(found, guess))


def _found_at(curve: ClassCurves, alarms: float) -> float:
    return max((p.y for p in curve.roc if p.x <= alarms), default=0.0)


def _keys(found: Findings, guess: str) -> list[Key]:
    names = labels([curve.name for curve in found.curves], 28)
    keys = [Key("line", hue, names[curve.name]) for curve, hue in zip(found.curves, HUES)]
    keys += [Key("band", "band", _band(found)), Key("dash", "faint", guess)]
    return keys + ([Key("dot", "ink", "chosen threshold")] if found.curves[0].chosen is not None else [])


def _band(found: Findings) -> str:
    of = f" of {clean(found.curves[0].name, 28)}" if len(found.curves) > 1 else ""
    return f"{100 * found.level:g} %{of} at each threshold"


def _caption(found: Findings) -> str:
    n_classes = len(found.classes)
    left = n_classes - len(found.curves) if n_classes > 2 else 0
    return f"Each class against all others; {left} that are easier to tell are not drawn." if left > 0 else ""


def _table(found: Findings) -> Part:
    columns = [
        Column("class"),
        Column("true", True),
        Column("area under ROC"),
        Column("average precision"),
        Column("by guessing", True),
    ]
    rows: list[list[Cell]] = [
        [
            Name(clean(curve.name, 40)),
            f"{curve.support:,}",
            _area(curve),
            f"{value(curve.precision)} {interval(curve.precision)}",
            percent(curve.support / found.n),
        ]
        for curve in found.curves
    ]
    return Table(
        columns, rows, "Areas by DeLong, average precision by bootstrap; by guessing: the average precision of chance."
    )
