"""What was said of each true class: one row per class, strong colour for a large share of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..palette import colour
from .theme import described, finish, is_narrow, row_axis, short, tip, values

LETTER, ROOM = 8, 0.7
"""Pixels of a letter; the share of the width that is left for the cells."""


def confusion(counts: Sequence[Sequence[float]], labels: Sequence[str], width: int) -> Any:
    """Rows are true classes, columns what was said, by number where names are long; mistakes are ochre, hits blue."""
    import altair as alt

    are_short = max(map(len, labels)) * LETTER < ROOM * width / len(labels)
    number = {label: label if are_short else str(i + 1) for i, label in enumerate(labels)}
    rows = [text if are_short else f"{number[label]}  {text}" for label, text in short(labels, width).items()]
    x = alt.X(
        "said:N",
        title=None,
        scale=alt.Scale(domain=list(number.values()), paddingInner=0, paddingOuter=0),
        axis=alt.Axis(orient="top", labelAngle=0, labelFontSize=13, labelColor=colour("ink"), grid=False),
    )
    chart = alt.Chart(values(_cells(counts, labels, rows, number))).encode(x=x, y=row_axis(rows, width))
    size = 10 if is_narrow(width) or len(labels) > 12 else 13
    square = chart.mark_rect(cornerRadius=3, strokeWidth=1, stroke=colour("paper")).encode(
        fill=alt.Fill("hue:N", scale=None),
        fillOpacity=alt.FillOpacity("strength:Q", scale=None),
        description=described(),
    )
    text = chart.mark_text(fontSize=size, color=colour("ink")).encode(text=alt.Text("shown:N"))
    return finish(alt.layer(square, text), width, len(labels) * (24 if len(labels) > 12 or is_narrow(width) else 34))


def _cells(
    counts: Sequence[Sequence[float]], labels: Sequence[str], rows: Sequence[str], number: dict[str, str]
) -> list[dict[str, Any]]:
    cells = []
    for i, (true, line) in enumerate(zip(labels, counts)):
        total = sum(line) or 1.0
        for said, n in zip(labels, line):
            cells.append(
                {
                    "row": rows[i],
                    "said": number[said],
                    "hue": colour("winner" if true == said else "baseline"),
                    "strength": 0.03 + (0.45 if true == said else 0.8) * n / total,
                    "shown": f"{n:.0f}" if n else "",
                    "tip": tip(f"{true}, called {said}: {n:,.0f} of {total:,.0f}, {n / total:.1%}"),
                }
            )
    return cells
