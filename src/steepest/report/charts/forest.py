"""Differences with their intervals, one row each, over the band in which a difference does not matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..palette import colour
from .theme import described, finish, is_narrow, row_axis, span, tip, values


@dataclass(frozen=True)
class Row:
    """A difference in shown units. claimed: measured on fresh seeds and the test part; else a reading of the race.

    wider: the interval that covers the drawing of the samples too.
    """

    label: str
    colour: str
    mean: float
    low: float
    high: float
    text: str
    seeds: tuple[float, ...] = ()
    claimed: bool = True
    wider: tuple[float, float] | None = None


def forest(rows: Sequence[Row], rope: float | None, title: str, width: int) -> Any:
    import altair as alt

    labels, narrow = [r.label for r in rows], is_narrow(width)
    y = row_axis(labels, width, named=not narrow)
    every = [v for r in rows for v in (r.low, r.high, r.mean, *r.seeds, *(r.wider or ()))] + [
        0.0,
        rope or 0.0,
        -(rope or 0.0),
    ]
    domain = span(every)
    scale = alt.Scale(domain=domain, nice=False)
    x = alt.X("mean:Q", title=title, scale=scale, axis=alt.Axis(tickCount=4 if narrow else 7))
    data = values(_plain(r, domain) for r in rows)
    marks = [
        alt.Chart(values([{"row": labels[0], "x": 0.0}]))
        .mark_rule(color=colour("faint"))
        .encode(x=alt.X("x:Q", scale=scale))
    ]
    if rope:
        band = values([{"low": -rope, "high": rope, "tip": tip("differences in here do not matter")}])
        marks.insert(
            0,
            alt.Chart(band)
            .mark_rect(color=colour("band"), opacity=0.45)
            .encode(x=alt.X("low:Q", scale=scale), x2=alt.X2("high:Q"), description=described()),
        )
    dots = values({"row": r.label, "x": s, "hue": colour(r.colour)} for r in rows for s in r.seeds)
    hue = alt.Color("hue:N", scale=None)
    wider = [{"row": r.label, "low": r.wider[0], "high": r.wider[1], "hue": colour(r.colour)} for r in rows if r.wider]
    if wider:
        thin = alt.Chart(values(wider)).mark_rule(size=1)
        marks.append(thin.encode(y=y, x=alt.X("low:Q", scale=scale), x2=alt.X2("high:Q"), color=hue))
    marks += [
        alt.Chart(dots)
        .mark_circle(size=22, opacity=0.35, yOffset=9)
        .encode(y=y, x=alt.X("x:Q", scale=scale), color=hue),
        alt.Chart(data)
        .mark_rule(size=2.5, strokeCap="round")
        .encode(y=y, x=alt.X("low:Q", scale=scale), x2=alt.X2("high:Q"), color=hue, description=described()),
        alt.Chart(data)
        .mark_point(size=90, filled=True, opacity=1, strokeWidth=2)
        .encode(y=y, x=x, stroke=hue, fill=alt.Fill("inside:N", scale=None), description=described()),
        alt.Chart(data)
        .mark_text(dy=-13, fontSize=12, color=colour("ink"), stroke=colour("paper"), strokeWidth=4)
        .encode(y=y, x=x, text=alt.Text("text:N")),
    ]
    if narrow:
        marks.append(
            alt.Chart(data)
            .mark_text(
                dy=-29,
                align="left",
                fontSize=13,
                fontWeight=600,
                limit=width - 10,
                color=colour("ink"),
                stroke=colour("paper"),
                strokeWidth=4,
            )
            .encode(y=y, x=alt.XValue(0), text=alt.Text("row:N"))
        )
    return finish(alt.layer(*marks), width, len(rows) * (68 if narrow else 50))


def _plain(row: Row, domain: Sequence[float]) -> dict[str, Any]:
    """A bound that is infinite, because trials diverged, ends at the edge of the chart."""
    hue = colour(row.colour)
    mean, low, high = (min(max(v, domain[0]), domain[1]) for v in (row.mean, row.low, row.high))
    return {
        "row": row.label,
        "mean": mean,
        "low": low,
        "high": high,
        "text": row.text,
        "hue": hue,
        "inside": hue if row.claimed else colour("paper"),
        "tip": tip(f"{row.label}: {row.text}"),
    }
