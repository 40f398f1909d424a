"""What all charts share: quiet axes, the palette, tooltips, rows with names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .. import names
from ..palette import colour
from ..svg import TIP

if TYPE_CHECKING:
    import altair as alt

WIDE, NARROW = 860, 350
FONT = "Steepest Measure"  # of tools/measuring_font.py, for measuring; the page draws with its own font


def is_narrow(width: int) -> bool:
    return width < 480


def finish(chart: Any, width: int, height: int) -> Any:
    """Give a chart its size and the look of the house: the width includes axes and names, the height does not."""
    import altair as alt

    axis = alt.AxisConfig(
        labelColor=colour("soft"),
        titleColor=colour("soft"),
        labelFontSize=12,
        titleFontSize=12,
        titleFontWeight="normal",
        gridColor=colour("rule"),
        domain=False,
        ticks=False,
        labelPadding=6,
        titlePadding=10,
        labelOverlap=True,
        labelLimit=0,  # a limit measures each label once more, half of the time of a chart; names have their own
    )
    look = {
        "autosize": alt.AutoSizeParams(type="fit-x", contains="padding"),
        "padding": 2,
        "background": "transparent",
        "width": width,
        "height": height,
        "config": alt.Config(font=FONT, view=alt.ViewConfig(stroke=None), axis=axis),
    }
    for name, value in look.items():  # chart.properties() would copy all layers first
        setattr(chart, name, value)
    return chart


def values(rows: Iterable[dict[str, Any]]) -> alt.Data:
    """Rows as inline data; numbers that JSON cannot hold are dropped with their row."""
    return _data_kept()(
        values=[r for r in rows if all(not isinstance(v, float) or math.isfinite(v) for v in r.values())]
    )


@lru_cache(maxsize=1)
def _data_kept() -> type[alt.Data]:
    """Altair copies a chart at each change of it, row by row: half of the time of a page. Nobody changes these rows."""
    import altair as alt

    class Kept(alt.Data):
        def __deepcopy__(self, memo: object) -> Kept:
            return self

    return Kept


def tip(text: str) -> str:
    """A tooltip: the description of a mark that the page turns into its title."""
    return TIP + text


def described() -> Any:
    """The channel that carries the tooltips of the column `tip`."""
    import altair as alt

    return alt.Description("tip:N")


def short(labels: Sequence[str], width: int) -> dict[str, str]:
    """Labels as they fit beside the cells of a narrow chart, still different from one another."""
    return names.labels(labels, 19) if is_narrow(width) else {label: label for label in labels}


def row_axis(labels: Sequence[str], width: int, named: bool = True) -> Any:
    """The y channel of charts with one row for each label, in their order; narrow charts may write the names elsewhere."""
    import altair as alt

    axis = alt.Axis(
        labelLimit=width * 9 // 20 if is_narrow(width) else width * 3 // 8,
        labelColor=colour("ink"),
        labelFontSize=13,
        labelPadding=10,
        grid=False,
        labelOverlap=False,
    )
    return alt.Y(
        "row:N",
        title=None,
        scale=alt.Scale(domain=list(labels), paddingInner=0, paddingOuter=0),
        axis=axis if named else None,
    )


def padded(low: float, high: float, share: float = 0.05) -> list[float]:
    """A domain with a little air."""
    air = (high - low) * share or abs(high) * 0.01 or 1.0
    return [low - air, high + air]


def span(numbers: Iterable[float], share: float = 0.05) -> list[float]:
    """The padded range of finite numbers; [0, 1] of none."""
    finite = [x for x in numbers if math.isfinite(x)]
    return padded(min(finite), max(finite), share) if finite else [0.0, 1.0]


def thinned(points: Sequence[Any], most: int = 400) -> list[Any]:
    """At most `most` points, evenly taken, the last one always."""
    if len(points) <= most:
        return list(points)
    step = (len(points) - 1) / (most - 1)
    return [points[round(i * step)] for i in range(most)]


def zoomed(numbers: Iterable[float], rises: bool, cut: float, best: float = math.inf) -> list[float]:
    """The padded range without a share of the worst: bad runs must not flatten what is compared. best: no score lies beyond."""
    finite = sorted(x for x in numbers if math.isfinite(x))
    if not finite:
        return [0.0, 1.0]
    out = int(cut * len(finite))
    low, high = padded(*((finite[out], finite[-1]) if rises else (finite[0], finite[-1 - out])), 0.08)
    return [low, min(high, best)] if rises and low < best else [low, high]


def round_steps(high: float, most: int) -> list[float]:
    """Round steps from 0 to at most `high`, at most `most` of them."""
    if not high > 0:
        return [0.0]
    rough = high / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough)
    return [step * i for i in range(int(high / step + 1e-9) + 1)]


def decades(low: float, high: float) -> list[float]:
    """Powers of ten in a range; where there are fewer than two, 1, 2 and 5 times them."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 3), (1, 2, 5)):
        found = [m * 10.0**p for p in powers for m in factors if low <= m * 10.0**p <= high]
        if len(found) >= 2:
            break
    return found
