"""How often the arm of the row beats the arm of the column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..palette import colour
from .theme import described, finish, is_narrow, row_axis, short, tip, values


@dataclass(frozen=True)
class Cell:
    row: str
    column: str
    p: float
    text: str
    claimed: bool


def matrix(cells: Sequence[Cell], labels: Sequence[str], width: int) -> Any:
    """Rows carry names and numbers, columns the numbers; strong colour is strong evidence, blue for the row, ochre for the column."""
    import altair as alt

    number = {label: str(i + 1) for i, label in enumerate(labels)}
    rows = [f"{number[label]}  {text}" for label, text in short(labels, width).items()]
    name = dict(zip(labels, rows))
    y = row_axis(rows, width)
    x = alt.X(
        "column:N",
        title=None,
        scale=alt.Scale(domain=[number[c] for c in labels], paddingInner=0, paddingOuter=0),
        axis=alt.Axis(
            orient="top", labelAngle=0, labelFontSize=13, labelColor=colour("ink"), grid=False, labelOverlap=False
        ),
    )
    data = values(
        {
            "row": name[c.row],
            "column": number[c.column],
            "hue": colour("winner" if c.p >= 0.5 else "baseline"),
            "strength": 0.04 + 0.9 * abs(c.p - 0.5),
            "shown": "> .99" if c.p > 0.99 else "< .01" if c.p < 0.01 else f"{c.p:.2f}",
            "edge": colour("ink") if c.claimed else colour("paper"),
            "tip": tip(c.text),
        }
        for c in cells
    )
    chart = alt.Chart(data).encode(x=x, y=y)
    small = is_narrow(width) and len(labels) > 5
    square = chart.mark_rect(cornerRadius=3, strokeWidth=1, stroke=colour("paper")).encode(
        fill=alt.Fill("hue:N", scale=None),
        fillOpacity=alt.FillOpacity("strength:Q", scale=None),
        description=described(),
    )
    claimed = (
        chart.mark_text(fontSize=10 if small else 13, color=colour("ink"), fontWeight=700)
        .encode(text=alt.Text("shown:N"))
        .transform_filter(f"datum.edge == '{colour('ink')}'")
    )
    others = (
        chart.mark_text(fontSize=10 if small else 13, color=colour("ink"))
        .encode(text=alt.Text("shown:N"))
        .transform_filter(f"datum.edge != '{colour('ink')}'")
    )
    return finish(alt.layer(square, claimed, others), width, len(labels) * (30 if small else 38))
