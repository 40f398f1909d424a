"""Scores seed by seed: one thin line joins the runs that shared split, start and batch order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..palette import colour
from .theme import described, finish, is_narrow, span, tip, values


@dataclass(frozen=True)
class Strip:
    """An arm's scores by seed in shown units; the interval of its mean, if there is one."""

    label: str
    colour: str
    scores: dict[int, float]
    text: str
    mean: float | None = None
    low: float | None = None
    high: float | None = None


def seeds(strips: Sequence[Strip], title: str, width: int) -> Any:
    import altair as alt

    labels = [s.label for s in strips]
    order = alt.Scale(domain=labels, type="point", padding=0.35)
    x = alt.X(
        "arm:N",
        title=None,
        scale=order,
        axis=alt.Axis(
            labelAngle=0,
            labelExpr="split(datum.label, ' + ')",
            labelColor=colour("ink"),
            labelFontSize=12 if is_narrow(width) else 13,
            labelLimit=int(width * 0.8 / len(labels)),
            grid=False,
            labelOverlap=False,
        ),
    )
    y = alt.Y(
        "score:Q",
        title=title,
        scale=alt.Scale(
            domain=span(
                [v for s in strips for v in (*s.scores.values(), *(b for b in (s.low, s.high) if b is not None))]
            ),
            nice=False,
        ),
        axis=alt.Axis(tickCount=6),
    )
    runs = values(
        {
            "arm": s.label,
            "seed": seed,
            "score": v,
            "hue": colour(s.colour),
            "tip": tip(f"{s.label}, seed {seed}: {v:.4g}"),
        }
        for s in strips
        for seed, v in s.scores.items()
    )
    middle = values(
        {"arm": s.label, "score": s.mean, "low": s.low, "high": s.high, "hue": colour(s.colour), "tip": tip(s.text)}
        for s in strips
        if None not in (s.mean, s.low, s.high)
    )
    hue = alt.Color("hue:N", scale=None)
    shift = 22
    marks = [
        alt.Chart(runs)
        .mark_line(strokeWidth=1, opacity=0.45, color=colour("faint"))
        .encode(x=x, y=y, detail=alt.Detail("seed:N")),
        alt.Chart(runs).mark_circle(size=42, opacity=0.75).encode(x=x, y=y, color=hue, description=described()),
        alt.Chart(middle)
        .mark_rule(size=2.5, xOffset=shift)
        .encode(x=x, y=alt.Y("low:Q"), y2=alt.Y2("high:Q"), color=hue, description=described()),
        alt.Chart(middle)
        .mark_point(filled=True, size=80, opacity=1, xOffset=shift, shape="diamond")
        .encode(x=x, y=y, color=hue, description=described()),
    ]
    return finish(alt.layer(*marks), width, 300 if is_narrow(width) else 340)
