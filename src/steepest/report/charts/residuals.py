"""Target minus prediction over the prediction: a cloud that should lie around zero without a form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..palette import colour
from .theme import finish, is_narrow, padded, values


def residuals(cloud: Sequence[tuple[float, float]], width: int) -> Any:
    import altair as alt

    said, off = [x for x, _ in cloud], [y for _, y in cloud]
    most = max((abs(y) for y in off), default=1.0) or 1.0
    x = alt.X(
        "said:Q",
        title="prediction",
        scale=alt.Scale(domain=padded(min(said, default=0.0), max(said, default=1.0), 0.03), nice=False),
        axis=alt.Axis(grid=False, tickCount=6),
    )
    y = alt.Y("off:Q", title="target minus prediction", scale=alt.Scale(domain=[-1.05 * most, 1.05 * most], nice=False))
    dots = alt.Chart(values({"said": a, "off": b} for a, b in cloud)).mark_circle(
        size=18, color=colour("winner"), opacity=0.5
    )
    zero = alt.Chart(alt.Data(values=[{"off": 0.0}])).mark_rule(color=colour("faint"), strokeDash=[5, 4]).encode(y=y)
    return finish(alt.layer(zero, dots.encode(x=x, y=y)), width, 240 if is_narrow(width) else 300)
