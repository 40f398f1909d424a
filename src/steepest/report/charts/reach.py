"""Epochs that each seed needed to reach a target, one row for each arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..palette import colour
from .theme import described, finish, is_narrow, round_steps, row_axis, tip, values


@dataclass(frozen=True)
class Reach:
    label: str
    colour: str
    epochs: Sequence[float]
    n: int
    median: float | None


def reach(rows: Sequence[Reach], horizon: float, width: int) -> Any:
    """The median tick stands only where at least half of the seeds arrived."""
    import altair as alt

    narrow = is_narrow(width)
    y = row_axis([r.label for r in rows], width, named=not narrow)
    x = alt.X(
        "epochs:Q",
        title="epochs to the target",
        scale=alt.Scale(domain=[0, horizon * (1.2 if narrow else 1.1)], nice=False),
        axis=alt.Axis(values=round_steps(horizon, 5 if narrow else 9)),
    )
    dots = values(
        {"row": r.label, "epochs": e, "hue": colour(r.colour), "tip": tip(f"{r.label}: {e:.3g} epochs")}
        for r in rows
        for e in r.epochs
    )
    ticks = values(
        {
            "row": r.label,
            "epochs": r.median,
            "hue": colour(r.colour),
            "tip": tip(f"{r.label}: median {r.median:.3g} epochs"),
        }
        for r in rows
        if r.median is not None
    )
    names = values(
        {"row": r.label, "text": f"{len(r.epochs)} of {r.n}", "epochs": horizon * (1.2 if narrow else 1.1)}
        for r in rows
    )
    hue = alt.Color("hue:N", scale=None)
    marks = [
        alt.Chart(dots).mark_circle(size=46, opacity=0.4).encode(y=y, x=x, color=hue, description=described()),
        alt.Chart(ticks)
        .mark_tick(thickness=3, size=22, opacity=1)
        .encode(y=y, x=x, color=hue, description=described()),
        alt.Chart(names)
        .mark_text(align="right", fontSize=12, color=colour("soft"))
        .encode(y=y, x=x, text=alt.Text("text:N")),
    ]
    if narrow:
        marks.append(
            alt.Chart(names)
            .mark_text(dy=-15, align="left", fontSize=13, fontWeight=600, limit=width - 80, color=colour("ink"))
            .encode(y=y, x=alt.XValue(0), text=alt.Text("row:N"))
        )
    return finish(alt.layer(*marks), width, len(rows) * (50 if narrow else 42))
