"""The page of a range test: a small chart for each arm, a table of rates, all numbers as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from statistics import fmean
from typing import Any

from steepest.report.blocks import (
    Block,
    Cell,
    Code,
    Column,
    Fact,
    Facts,
    Headline,
    Key,
    Name,
    Panel,
    Panels,
    Table,
    Text,
)
from steepest.report.charts.rates import Point, rates
from steepest.report.embedded import json_for_script
from steepest.report.names import clean, count
from steepest.report.numbers import rate
from steepest.report.render import document

from .curve import Curve, Setting, says

HOW = (
    "Each point is the mean training loss of the last quarter of short runs at one fixed learning rate, all from the "
    "same starts over the same batches. The rate to take is the lowest one that comes within 10 % of the best fall of "
    "the loss: a full run has more steps, and forgives a low rate more than a high one."
)


def page(curves: Sequence[Curve], setting: Setting, numbers: dict[str, Any]) -> str:
    """One HTML file that needs nothing else; numbers: all of them, to be embedded."""
    sections = [
        ("verdict", "Which learning rate?", _verdict(curves, setting)),
        ("curves", "From where to where does it learn?", _curves(curves)),
        ("rates", "The rates in figures", _table(curves)),
    ]
    if setting.command:
        sections.append(("repeat", "How do I repeat this?", Block("", [Code(setting.command, "Command line")])))
    title = f"{clean(setting.model, 40)} on {clean(setting.data, 40)}: learning rates"
    return document(title, sections, json_for_script(numbers))


def _verdict(curves: Sequence[Curve], setting: Setting) -> Block:
    shown = [f"{clean(c.name, 60)}: {rate(c.suggested)}" for c in curves if c.suggested is not None]
    lost = [c for c in curves if c.suggested is None]
    facts = [
        Fact("steps of each run", str(setting.n_steps), f"of {setting.batch_size} rows"),
        Fact("seeds", str(setting.n_seeds), "for each rate"),
        Fact("rates", str(len(curves[0].rates)), "on a logarithmic grid"),
    ]
    headline = Headline(
        count(len(curves), "arm"),
        "open" if lost else "good",
        "Take " + "; ".join(shown) if shown else "No rate brought the loss below its start",
        f"Without success at any rate: {'; '.join(clean(c.name, 60) for c in lost)}." if lost and shown else "",
    )
    return Block("", [headline, Facts(facts, large=True)])


def _curves(curves: Sequence[Curve]) -> Block:
    keys = [
        Key("line", "ink", "mean over the seeds, and their range"),
        Key("dash", "ink", "rate to take"),
        Key("cross", "bad", "runs that diverge: they end above their start, or in NaN"),
        Key("band", "bad", "most runs diverge"),
    ]
    caption = "Training loss by learning rate; losses above the start are drawn at the upper edge."
    return Block("", [Panels([_panel(c) for c in curves], caption, keys), Text(HOW)])


def _panel(curve: Curve) -> Panel:
    points = [_point(r, row, n_lost) for r, row, n_lost in zip(curve.rates, curve.losses, curve.n_lost)]
    finite = [p.mean for p in points if math.isfinite(p.mean)]
    low = min(finite, default=0.0)
    span = max(curve.first - low, 1e-12)
    x_domain = (curve.rates[0] / 1.5, curve.rates[-1] * 1.5)
    draw = partial(rates, points, curve.suggested, "winner", x_domain, [low - 0.08 * span, curve.first + 0.08 * span])
    alt = f"{clean(curve.name, 80)}: " + "; ".join(p.text for p in points)
    return Panel(clean(curve.name, 60), "winner", draw, alt, says(curve))


def _point(lr: float, row: Sequence[float], n_lost: int) -> Point:
    finite = [x for x in row if math.isfinite(x)]
    text = f"learning rate {rate(lr)}: "
    if not finite:
        return Point("", lr, math.nan, math.nan, math.nan, len(row), n_lost, text + "all diverged")
    text += f"loss {fmean(finite):.4g} [{min(finite):.4g}, {max(finite):.4g}]" + (
        f", {n_lost} diverged" if n_lost else ""
    )
    return Point("", lr, fmean(finite), min(finite), max(finite), len(row), n_lost, text)


def _table(curves: Sequence[Curve]) -> Block:
    def cell(value: float | None) -> str:
        return "none" if value is None else rate(value)

    columns = [Column("arm"), Column("take", True), Column("lowest loss at", True), Column("diverges from", True)]
    rows: list[list[Cell]] = [
        [Name(clean(c.name, 60), "winner"), cell(c.suggested), cell(c.best), cell(c.edge)] for c in curves
    ]
    return Block("", [Table(columns, rows)])
