"""Score on the select part by epoch: the mean over seeds with its band for a few arms, a thin line for the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..palette import colour
from .theme import finish, is_narrow, thinned, values


@dataclass(frozen=True)
class Curve:
    """Points are (epoch, mean, low, high) in shown units; low and high are NaN where one seed is all there is."""

    label: str
    colour: str
    points: Sequence[tuple[float, float, float, float]]


def curves(lines: Sequence[Curve], title: str, y_domain: Sequence[float], width: int) -> Any:
    import altair as alt

    rows = [
        {
            "arm": c.label,
            "epoch": e,
            "mean": m,
            "hue": colour(c.colour),
            "thick": 1.2 if c.colour == "other" else 2.4,
            "low": low if math.isfinite(low) else m,
            "high": high if math.isfinite(high) else m,
        }
        for c in lines
        for e, m, low, high in thinned(c.points)
    ]
    marked = [r for r in rows if r["hue"] != colour("other")] or rows
    last = max((r["epoch"] for r in rows), default=1.0)
    x = alt.X(
        "epoch:Q",
        title="epochs",
        scale=alt.Scale(domain=[min((r["epoch"] for r in rows), default=0.0), last], nice=False),
        axis=alt.Axis(grid=False, tickCount=5 if is_narrow(width) else 10, tickMinStep=1),
    )
    scale = alt.Scale(domain=list(y_domain), nice=False)
    y = alt.Y("mean:Q", title=title, scale=scale, axis=alt.Axis(tickCount=6))
    hue = alt.Color("hue:N", scale=None)
    marks = [
        alt.Chart(values(marked))
        .mark_area(opacity=0.16, clip=True)
        .encode(
            x=x,
            y=alt.Y("low:Q", scale=scale),
            y2=alt.Y2("high:Q"),
            fill=alt.Fill("hue:N", scale=None),
            detail=alt.Detail("arm:N"),
        ),
        alt.Chart(values(rows))
        .mark_line(strokeJoin="round", clip=True)
        .encode(x=x, y=y, color=hue, detail=alt.Detail("arm:N"), strokeWidth=alt.StrokeWidth("thick:Q", scale=None)),
    ]
    return finish(alt.layer(*marks), width, 260 if is_narrow(width) else 320)
