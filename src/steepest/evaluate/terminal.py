"""The summary of an evaluation as plain text."""

from __future__ import annotations

from steepest.report.names import clean, count, listed

from .record import Findings
from .shown import interval, percent, title, value

MOST_CLASSES = 12


def text(found: Findings) -> str:
    """Headline numbers, classes, mistakes, slices; about a screen."""
    head = f"{clean(found.model, 60)} on {clean(found.data, 60)}: {count(found.n, 'row')}, {found.task}"
    lines = [f"{head}, {100 * found.level:g} % intervals", ""]
    lines += [f"{title(n.name):<28} {value(n):>10} {interval(n)}{' *' if n.note else ''}" for n in found.numbers]
    lines += _classes(found)
    if found.confused:
        pairs = (f"{clean(p.true, 24)} as {clean(p.predicted, 24)} ({p.n})" for p in found.confused[:4])
        lines += ["", "Most confused: " + listed(pairs)]
    if found.calibration is not None and found.calibration.temperature is not None:
        t = found.calibration.temperature
        too = "too sure" if t.low > 1 else "not sure enough" if t.high < 1 else "about right"
        lines.append(f"Temperature {t.value:.3g} [{t.low:.3g}, {t.high:.3g}]: {too}")
    if found.threshold is not None:
        lines.append(
            f"Threshold {found.threshold.value:.3g} for {clean(found.threshold.of, 30)} by {found.threshold.rule}"
        )
    lines += _slices(found)
    if found.n_suspects:
        rows = listed(str(s.row) for s in found.suspects[:6])
        lines.append(f"Labels to look at: {found.n_suspects}, first rows {rows}")
    flags = dict.fromkeys(f"* {n.note}" for n in found.numbers if n.note)
    return "\n".join([*lines, *flags, *found.notes])


def _classes(found: Findings) -> list[str]:
    if not found.classes:
        return []
    columns = [n.name for n in found.classes[0].numbers]
    lines = ["", f"{'class':<20}{'support':>9}" + "".join(f"{name:>26}" for name in columns)]
    for row in found.classes[:MOST_CLASSES]:
        cells = "".join(f"{value(n) + ' ' + interval(n):>26}" for n in row.numbers)
        lines.append(f"{clean(row.name, 18):<20}{row.support:>9,}{cells}")
    left = len(found.classes) - MOST_CLASSES
    return [*lines, *([f"and {left} more classes"] if left > 0 else [])]


def _slices(found: Findings) -> list[str]:
    if not found.slices:
        return []
    write = percent if found.task != "regression" else "{:.4g}".format
    lines = ["", f"Slices by {found.score}, against the rest (p corrected for {count(len(found.slices), 'slice')}):"]
    for s in found.slices[:8]:
        mark = "different" if s.is_different else ""
        shown = f"{write(s.score)} against {write(s.rest)}"
        lines.append(f"  {clean(s.name, 36):<38}{s.n:>7,}  {shown:<24} p {s.p_holm:.2g} {mark} {s.note}".rstrip())
    return lines
