"""The curve of an item as an altair chart, and as a file."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path
from typing import Any

from steepest.core.errors import UsageError
from steepest.results.durable import atomic_write

from .record import Facts, Panel

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7"]  # Okabe & Ito: told apart by colour-blind readers too
DASHES = [[1, 0], [6, 3], [2, 2], [6, 2, 2, 2]]
FORMATS = (".svg", ".png", ".html")


def chart_of(facts: Facts) -> Any:
    """The panels side by side; an altair chart."""
    import altair

    if not facts.panels:
        raise UsageError(
            where=facts.name,
            seen=f"it is a {facts.kind} without a curve",
            needed="a loss, a schedule, an optimizer or a transform was needed for a plot",
            repair=f"steepest explain {facts.name} tells the rest.",
        )
    drawn = [_panel(p) for p in facts.panels]
    title = textwrap.wrap(f"{facts.name}: {facts.kind}", 90)
    return altair.hconcat(*drawn).resolve_scale(color="independent", strokeDash="independent").properties(title=title)


def _panel(panel: Panel) -> Any:
    import altair

    rows = [
        {"x": x, "y": y, "line": series.label}
        for series in panel.series
        for x, y in zip(panel.x, series.y)
        if math.isfinite(y) and (y > 0 or not panel.is_log)
    ]
    order = [series.label for series in panel.series]
    key = altair.Legend(title=None, orient="bottom", direction="vertical") if len(order) > 1 else None
    scale = altair.Scale(type="log") if panel.is_log else altair.Undefined
    return (
        altair.Chart(altair.Data(values=rows), title=panel.title, width=320, height=240)
        .mark_line()
        .encode(
            x=altair.X("x:Q", title=panel.x_title),
            y=altair.Y("y:Q", title=None, scale=scale),
            color=altair.Color(
                "line:N", sort=order, scale=altair.Scale(domain=order, range=COLOURS[: len(order)]), legend=key
            ),
            strokeDash=altair.StrokeDash(
                "line:N", sort=order, scale=altair.Scale(domain=order, range=DASHES[: len(order)]), legend=key
            ),
        )
    )


def save(facts: Facts, path: Path) -> Path:
    """As .svg, .png or .html (which works offline), whole or not at all."""
    if path.suffix.lower() not in FORMATS:
        raise UsageError(
            where="plot",
            seen=f"{str(path)!r}",
            needed=f"a name that ends in {', '.join(FORMATS)} was needed",
            repair=f"For example {path.with_suffix('.svg')}.",
        )
    atomic_write(path, rendered(facts, path.suffix.lower()))
    return path


def rendered(facts: Facts, suffix: str) -> str | bytes:
    import vl_convert

    spec = chart_of(facts).to_json()
    if suffix == ".svg":
        return str(vl_convert.vegalite_to_svg(spec))
    if suffix == ".png":
        return bytes(vl_convert.vegalite_to_png(spec, scale=2))
    return str(vl_convert.vegalite_to_html(spec, bundle=True))
