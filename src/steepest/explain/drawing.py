"""Lines as text: braille dots, eight to a character; solid, dashed and dotted, to be told apart without colour."""

from __future__ import annotations

import math

from .record import Panel

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # bits of the braille cell by row and column
STROKES = ((1,), (1, 1, 1, 1, 0, 0), (1, 0, 0, 0), (1, 1, 1, 1, 0, 0, 1, 0, 0))
COLOURS = (36, 33, 35, 32)  # cyan, yellow, magenta, green


def draw(panel: Panel, width: int = 60, height: int = 10, colour: bool = False) -> list[str]:
    """The panel as lines of at most `width` characters: title, plot, axes."""
    shown = [[_scaled(panel, v) for v in s.y] for s in panel.series]
    finite = [v for row in shown for v in row if math.isfinite(v)]
    if not finite:
        return []
    low, high = _limits(min(finite), max(finite))
    labels = [_tick(panel, high), _tick(panel, (low + high) / 2), _tick(panel, low)]
    margin = max(len(t) for t in labels)
    columns = max(10, width - margin - 2)
    cells: dict[tuple[int, int], tuple[int, int]] = {}
    for i, row in enumerate(shown):
        for px, py in _stroke(row, low, high, 2 * columns, 4 * height, STROKES[i % len(STROKES)]):
            at = (py // 4, px // 2)
            cells[at] = (cells.get(at, (0, 0))[0] | DOTS[py % 4][px % 2], i)
    lines = [panel.title]
    for r in range(height):
        label = {0: labels[0], height // 2: labels[1], height - 1: labels[2]}.get(r, "")
        lines.append(
            f"{label:>{margin}} ┤" + "".join(_cell(cells.get((r, c)), colour) for c in range(columns)).rstrip()
        )
    ends = [f"{panel.x[0]:g}", f"{panel.x[-1]:g}"]
    middle = panel.x_title.center(max(0, columns - len(ends[0]) - len(ends[1])))
    lines += [" " * margin + " └" + "─" * columns, " " * (margin + 2) + ends[0] + middle + ends[1]]
    return lines


def legend(panel: Panel, colour: bool = False) -> list[str]:
    """One line per series: its stroke and its label; nothing where there is but one."""
    return [f"{_sample(i, colour)} {s.label}" for i, s in enumerate(panel.series)] if len(panel.series) > 1 else []


def _scaled(panel: Panel, value: float) -> float:
    if not panel.is_log:
        return value
    return math.log10(max(value, 1e-12)) if math.isfinite(value) else math.nan


def _limits(low: float, high: float) -> tuple[float, float]:
    """Ends of the y axis; one that is nearly 0 is 0."""
    if high - low < 1e-9:
        return low - 1, high + 1
    near = (high - low) / 50
    return (0.0 if abs(low) < near else low), (0.0 if abs(high) < near else high)


def _tick(panel: Panel, value: float) -> str:
    number = 10**value if panel.is_log else value
    return f"{number:.0f}" if 10 <= abs(number) < 1e5 else f"{number:.2g}"


def _stroke(
    row: list[float], low: float, high: float, n_x: int, n_y: int, pattern: tuple[int, ...]
) -> list[tuple[int, int]]:
    """The dots of one line; a steep piece is filled vertically."""
    found: list[tuple[int, int]] = []
    before, length = None, 0
    for px in range(n_x):
        at = px * (len(row) - 1) / (n_x - 1)
        i = min(int(at), len(row) - 2)
        value = row[i] + (at - i) * (row[i + 1] - row[i])
        if not math.isfinite(value):
            before = None
            continue
        py = round((high - value) / (high - low) * (n_y - 1))
        start = py if before is None else before + (py > before) - (py < before)
        for y in range(start, py + 1) if py >= start else range(start, py - 1, -1):
            if pattern[length % len(pattern)]:
                found.append((px, y))
            length += 1
        before = py
    return found


def _cell(cell: tuple[int, int] | None, colour: bool) -> str:
    if cell is None:
        return " "
    return _painted(chr(0x2800 + cell[0]), cell[1], colour)


def _sample(i: int, colour: bool) -> str:
    pattern = STROKES[i % len(STROKES)]
    bits = [sum(DOTS[1][c] for c in (0, 1) if pattern[(2 * k + c) % len(pattern)]) for k in range(5)]
    return _painted("".join(chr(0x2800 + b) for b in bits), i, colour)


def _painted(text: str, i: int, colour: bool) -> str:
    return f"\x1b[{COLOURS[i % len(COLOURS)]}m{text}\x1b[0m" if colour else text
