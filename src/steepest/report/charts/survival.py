"""Which arm was alive in which rung, and with how many trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..palette import colour
from .theme import described, finish, is_narrow, row_axis, short, tip, values


@dataclass(frozen=True)
class Stay:
    label: str
    colour: str
    rung: str
    n_trials: int
    n_diverged: int
    left_after: bool = False


LETTER = 6.0
"""Pixels of one in the names of the rungs."""
FOR_ROWS = 230
"""Pixels of the names of the arms on the left of a wide chart."""


def _is_crowded(rungs: Sequence[str], width: int) -> bool:
    """Names side by side would run into one another."""
    return LETTER * (max(map(len, rungs), default=0) + 1) > (width - FOR_ROWS) / max(len(rungs), 1)


def survival(stays: Sequence[Stay], labels: Sequence[str], rungs: Sequence[str], width: int) -> Any:
    """A cell for each rung that an arm ran in; a cross where it left."""
    import altair as alt

    narrow = is_narrow(width)
    name = short(labels, width)
    y = row_axis(list(name.values()), width)
    x = alt.X(
        "rung:N",
        title=None,
        scale=alt.Scale(domain=list(rungs), paddingInner=0.06, paddingOuter=0),
        axis=alt.Axis(
            orient="top",
            labelAngle=-90 if narrow or _is_crowded(rungs, width) else 0,
            labelLimit=90,
            labelFontSize=11,
            labelColor=colour("soft"),
            grid=False,
            labelOverlap=False,
        ),
    )
    data = values(
        {
            "row": name[s.label],
            "rung": s.rung,
            "hue": colour(s.colour),
            "text": "×" if s.left_after and narrow else f"{s.n_trials} ×" if s.left_after else str(s.n_trials),
            "tip": tip(
                f"{s.label}, {s.rung}: {s.n_trials} trials, {s.n_diverged} diverged"
                + ("; left after it" if s.left_after else "")
            ),
        }
        for s in stays
    )
    chart = alt.Chart(data).encode(x=x, y=y)
    marks = [
        chart.mark_rect(opacity=0.22, cornerRadius=3, stroke=colour("paper"), strokeWidth=3).encode(
            fill=alt.Fill("hue:N", scale=None), description=described()
        ),
        chart.mark_text(fontSize=11 if narrow else 12, color=colour("ink")).encode(text=alt.Text("text:N")),
    ]
    return finish(alt.layer(*marks), width, len(labels) * 32)
