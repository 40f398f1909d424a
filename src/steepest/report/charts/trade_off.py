"""Curves of shares over shares, such as ROC, each with its band, and the point that was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..palette import colour
from .theme import described, finish, is_narrow, tip, values

HUES = ("winner", "runner", "baseline", "bad", "open", "other")
"""As many curves as tell themselves apart."""


@dataclass(frozen=True)
class Line:
    """Points (x, y, low, high), all shares from 0 to 1; only the first line of a chart shows its band."""

    points: Sequence[tuple[float, float, float, float]]
    text: str


def trade_off(
    lines: Sequence[Line],
    titles: tuple[str, str],
    guess: Sequence[tuple[float, float]],
    chosen: tuple[float, float, str] | None,
    width: int,
) -> Any:
    """Lines over what guessing gives (dashed); a dot where the threshold was chosen."""
    import altair as alt

    axis = alt.Axis(format="%", tickCount=5, grid=False)
    scale = alt.Scale(domain=[0.0, 1.0], nice=False)
    x = alt.X("x:Q", title=titles[0], scale=scale, axis=axis)
    y = alt.Y("y:Q", title=titles[1], scale=scale, axis=alt.Axis(format="%", tickCount=5))
    ends = alt.Data(values=[{"x": a, "y": b} for a, b in guess])
    layers = [alt.Chart(ends).mark_line(color=colour("faint"), strokeDash=[5, 4], strokeWidth=1.2).encode(x=x, y=y)]
    band = [{"x": a, "low": low, "high": high} for a, _, low, high in lines[0].points]
    layers.append(
        alt.Chart(values(band))
        .mark_area(color=colour("band"), opacity=0.6)
        .encode(x=x, y=alt.Y("low:Q", scale=scale, title=titles[1]), y2=alt.Y2("high:Q"))
    )
    for line, hue in reversed(list(zip(lines, HUES))):
        rows = [{"x": a, "y": b, "place": i, "tip": tip(line.text)} for i, (a, b, _, _) in enumerate(line.points)]
        layers.append(
            alt.Chart(values(rows))
            .mark_line(color=colour(hue), strokeWidth=2)
            .encode(x=x, y=y, order=alt.Order("place:Q"), description=described())
        )
    if chosen is not None:
        row = [{"x": chosen[0], "y": chosen[1], "tip": tip(chosen[2])}]
        layers.append(
            alt.Chart(values(row))
            .mark_circle(color=colour("ink"), size=90, opacity=1)
            .encode(x=x, y=y, description=described())
        )
    return finish(alt.layer(*layers), width, 280 if is_narrow(width) else 360)
