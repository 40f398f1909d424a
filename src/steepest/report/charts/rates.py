"""Learning rate against score for one arm: a line for each rung of the search, the edge where trials diverge, the rate that was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..palette import colour
from .theme import decades, described, finish, tip, values


@dataclass(frozen=True)
class Point:
    """The mean of a rung's trials at one rate, in shown units. mean is NaN where all diverged."""

    rung: str
    rate: float
    mean: float
    low: float
    high: float
    n: int
    n_diverged: int
    text: str


def rates(
    points: Sequence[Point],
    chosen: float | None,
    hue: str,
    x_domain: tuple[float, float],
    y_domain: Sequence[float],
    width: int,
) -> Any:
    import altair as alt

    rungs = list(dict.fromkeys(p.rung for p in points))
    strength = {r: 0.3 + 0.7 * (i + 1) / len(rungs) for i, r in enumerate(rungs)}
    x = alt.X(
        "rate:Q",
        title=None,
        scale=alt.Scale(type="log", domain=list(x_domain), nice=False),
        axis=alt.Axis(
            values=decades(*x_domain),
            labelExpr="format(datum.value, datum.value < 0.001 ? '.0e' : '~g')",
            grid=False,
            labelFontSize=11,
        ),
    )
    scale = alt.Scale(domain=list(y_domain), nice=False, clamp=True)
    y = alt.Y("mean:Q", title=None, scale=scale, axis=alt.Axis(tickCount=5, labelFontSize=11))
    data = values(
        {
            "rung": p.rung,
            "rate": p.rate,
            "mean": p.mean,
            "low": p.low,
            "high": p.high,
            "strength": strength[p.rung],
            "tip": tip(p.text),
        }
        for p in points
    )
    depth = alt.Opacity("strength:Q", scale=None)
    lost = values({"rate": p.rate, "tip": tip(p.text)} for p in points if p.n_diverged)
    marks = [
        alt.Chart(data)
        .mark_line(strokeWidth=1.8, color=colour(hue))
        .encode(x=x, y=y, detail=alt.Detail("rung:N"), opacity=depth),
        alt.Chart(data)
        .mark_rule(strokeWidth=1.5, color=colour(hue))
        .encode(x=x, y=alt.Y("low:Q", scale=scale), y2=alt.Y2("high:Q"), opacity=depth),
        alt.Chart(data)
        .mark_circle(size=34, color=colour(hue))
        .encode(x=x, y=y, opacity=depth, description=described()),
        alt.Chart(lost)
        .mark_point(shape="M-1,-1L1,1M-1,1L1,-1", size=34, strokeWidth=1.8, color=colour("bad"), opacity=1)
        .encode(x=x, y=alt.YValue(158), description=described()),
    ]
    edge = _edge(points)
    if edge is not None:
        zone = values([{"rate": edge, "end": float(x_domain[1])}])
        marks.insert(0, alt.Chart(zone).mark_rect(color=colour("bad"), opacity=0.08).encode(x=x, x2=alt.X2("end:Q")))
    if chosen is not None and x_domain[0] <= chosen <= x_domain[1]:
        marks.insert(
            0, alt.Chart(values([{"rate": chosen}])).mark_rule(color=colour(hue), strokeDash=[3, 3]).encode(x=x)
        )
    return finish(alt.layer(*marks), width, 165)


def _edge(points: Sequence[Point]) -> float | None:
    """The lowest rate from which on every rate lost half of its trials or more."""
    tried: dict[float, list[int]] = {}
    for p in points:
        seen = tried.setdefault(p.rate, [0, 0])
        seen[0] += p.n_diverged
        seen[1] += p.n
    edge = None
    for rate in sorted(tried, reverse=True):
        if 2 * tried[rate][0] < tried[rate][1]:
            break
        edge = rate
    return edge
