"""What the search promised (a ring) against what fresh seeds kept (a dot with its interval), one row for each arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..palette import colour
from .theme import described, finish, is_narrow, row_axis, span, tip, values


@dataclass(frozen=True)
class Promise:
    label: str
    colour: str
    promised: float
    kept: float
    low: float
    high: float
    text: str


def promise(rows: Sequence[Promise], title: str, width: int) -> Any:
    import altair as alt

    narrow = is_narrow(width)
    y = row_axis([r.label for r in rows], width, named=not narrow)
    scale = alt.Scale(domain=span([v for r in rows for v in (r.promised, r.low, r.high, r.kept)]), nice=False)
    x = alt.X("kept:Q", title=title, scale=scale, axis=alt.Axis(tickCount=4 if narrow else 7))
    data = values(
        {
            "row": r.label,
            "promised": r.promised,
            "kept": r.kept,
            "low": r.low,
            "high": r.high,
            "hue": colour(r.colour),
            "tip": tip(r.text),
        }
        for r in rows
    )
    chart, hue = alt.Chart(data).encode(y=y), alt.Color("hue:N", scale=None)
    marks = [
        chart.mark_rule(strokeDash=[2, 3], opacity=0.8).encode(
            x=alt.X("promised:Q", scale=scale), x2=alt.X2("kept:Q"), color=hue
        ),
        chart.mark_rule(size=2.5, strokeCap="round").encode(
            x=alt.X("low:Q", scale=scale), x2=alt.X2("high:Q"), color=hue
        ),
        chart.mark_point(filled=True, size=80, opacity=1).encode(x=x, color=hue, description=described()),
        chart.mark_point(size=80, strokeWidth=2, opacity=1, fill=colour("paper")).encode(
            x=alt.X("promised:Q", scale=scale), stroke=alt.Stroke("hue:N", scale=None)
        ),
    ]
    if narrow:
        marks.append(
            alt.Chart(data)
            .mark_text(dy=-17, align="left", fontSize=13, fontWeight=600, limit=width - 10, color=colour("ink"))
            .encode(y=y, x=alt.XValue(0), text=alt.Text("row:N"))
        )
    return finish(alt.layer(*marks), width, len(rows) * (50 if narrow else 40))
