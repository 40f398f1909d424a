"""How often a model is right at each level of confidence, with bands; on the diagonal, sure means right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..palette import colour
from .theme import described, finish, is_narrow, tip, values


@dataclass(frozen=True)
class Level:
    """Shares from 0 to 1: the mean confidence of a bin, how often it was right, and the ends of its band."""

    confidence: float
    accuracy: float
    low: float
    high: float
    text: str


def reliability(levels: Sequence[Level], width: int) -> Any:
    """Dots with bands over the diagonal; filled where the band misses it."""
    import altair as alt

    rows = [
        {
            "sure": level.confidence,
            "right": level.accuracy,
            "low": level.low,
            "high": level.high,
            "hue": colour("winner"),
            "inside": colour("paper" if level.low <= level.confidence <= level.high else "winner"),
            "tip": tip(level.text),
        }
        for level in levels
    ]
    least = min((min(r["sure"], r["low"]) for r in rows), default=0.0)
    domain = [max(0.0, least - 0.05), 1.0]
    axis = alt.Axis(format="%", tickCount=5, grid=False)
    x = alt.X("sure:Q", title="confidence", scale=alt.Scale(domain=domain, nice=False), axis=axis)
    scale = alt.Scale(domain=domain, nice=False)
    y = alt.Y("right:Q", title="right", scale=scale, axis=alt.Axis(format="%", tickCount=5))
    ends = alt.Data(values=[{"sure": end, "right": end} for end in domain])
    diagonal = alt.Chart(ends).mark_line(color=colour("faint"), strokeDash=[5, 4], strokeWidth=1.2).encode(x=x, y=y)
    data = alt.Chart(values(rows))
    bands = data.mark_rule(strokeWidth=2.2, color=colour("winner"), opacity=0.55).encode(
        x=x, y=alt.Y("low:Q", scale=scale), y2=alt.Y2("high:Q")
    )
    dots = data.mark_circle(size=64, strokeWidth=2, opacity=1).encode(
        x=x,
        y=y,
        fill=alt.Fill("inside:N", scale=None),
        stroke=alt.Stroke("hue:N", scale=None),
        description=described(),
    )
    return finish(alt.layer(diagonal, bands, dots), width, 280 if is_narrow(width) else 360)
