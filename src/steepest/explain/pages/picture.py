"""Lines over an axis as SVG whose colours are variables of the page, light or dark.

Not by altair as in the report: 300 panels took it a minute, and these a second.
"""

from __future__ import annotations

import html
import math

from ..record import Panel

WIDTH, HEIGHT = 360, 230
LEFT, RIGHT, TOP, BOTTOM = 46, 18, 8, 40
THUMB_WIDTH, THUMB_HEIGHT = 84, 40
LOWEST = 1e-12


def picture(panel: Panel) -> str:
    """The panel with its axes; line i has the class l<i>."""
    frame = _Frame(panel, LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM)
    parts = [*frame.grid(), *frame.lines()]
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        f'<text class="axis" x="{middle:.0f}" y="{HEIGHT - 4}" text-anchor="middle">{_escaped(panel.x_title)}</text>'
    )
    says = f"{panel.title} over {panel.x_title}: " + ", ".join(line.label for line in panel.series)
    return f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_escaped(says)}">{"".join(parts)}</svg>'


def thumbnail(panel: Panel) -> str:
    """The lines alone."""
    frame = _Frame(panel, 2, 2, THUMB_WIDTH - 2, THUMB_HEIGHT - 2)
    size = f'viewBox="0 0 {THUMB_WIDTH} {THUMB_HEIGHT}" width="{THUMB_WIDTH}" height="{THUMB_HEIGHT}"'
    return f'<svg class="thumb" {size} aria-hidden="true">{"".join(frame.lines())}</svg>'


class _Frame:
    """Where the numbers of a panel lie on the paper."""

    def __init__(self, panel: Panel, left: float, top: float, right: float, bottom: float) -> None:
        self.panel, self.left, self.top, self.right, self.bottom = panel, left, top, right, bottom
        self.rows = [[self._scaled(v) for v in line.y] for line in panel.series]
        finite = [v for row in self.rows for v in row if math.isfinite(v)] or [0.0]
        low, high = min(finite), max(finite)
        room = (high - low) * 0.04 or 1.0
        self.low, self.high = low - room, high + room

    def _scaled(self, value: float) -> float:
        if not self.panel.is_log:
            return value
        return math.log10(max(value, LOWEST)) if math.isfinite(value) else math.nan

    def x(self, value: float) -> float:
        first, last = self.panel.x[0], self.panel.x[-1]
        return self.left + (value - first) / (last - first) * (self.right - self.left)

    def y(self, scaled: float) -> float:
        return self.bottom - (scaled - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def grid(self) -> list[str]:
        parts = []
        for tick in _ticks(self.low, self.high, whole=self.panel.is_log):
            at = self.y(tick)
            label = f"{10**tick:g}" if self.panel.is_log else _number(tick)
            rule = "zero" if tick == 0 and not self.panel.is_log else "rule"
            parts.append(f'<path class="{rule}" d="M{self.left} {at:.1f}H{self.right}"/>')
            parts.append(f'<text x="{self.left - 6}" y="{at + 4:.1f}" text-anchor="end">{label}</text>')
        for tick in _ticks(self.panel.x[0], self.panel.x[-1]):
            at = self.x(tick)
            parts.append(f'<path class="rule" d="M{at:.1f} {self.top}V{self.bottom}"/>')
            parts.append(f'<text x="{at:.1f}" y="{self.bottom + 16}" text-anchor="middle">{_number(tick)}</text>')
        return parts

    def lines(self) -> list[str]:
        """One path each, broken where there is no number; the last is drawn first, so that the first stays whole."""
        drawn = [f'<path class="line l{i}" d="{self._path(row)}"/>' for i, row in enumerate(self.rows)]
        return drawn[::-1]

    def _path(self, row: list[float]) -> str:
        steps, is_down = [], False
        for x, y in zip(self.panel.x, row):
            if math.isfinite(y):
                steps.append(f"{'L' if is_down else 'M'}{self.x(x):.1f} {self.y(y):.1f}")
            is_down = math.isfinite(y)
        return "".join(steps)


def _ticks(low: float, high: float, whole: bool = False) -> list[float]:
    """Round numbers between both, about five: steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(m for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    step = max(1.0, round(step)) if whole else step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def _number(value: float) -> str:
    return f"{value:.6g}".replace("-", "\u2212")


def _escaped(text: str) -> str:
    return html.escape(text, quote=True)
