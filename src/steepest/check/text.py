"""A report as text for readers; it takes findings as they are, so that a report can print itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LEVELS = ("error", "warning", "note")


def text(report: Any, sources: Mapping[str, list[str]] | None = None) -> str:
    """For readers: the line, what was seen, why it matters, the repair; then what could not be checked."""
    blocks = [_block(f, (sources or {}).get(f.file, [])) for f in report.findings]
    if report.not_run:
        blocks.append("\n".join(["Not checked:", *(f"  {not_run_line(n)}" for n in report.not_run)]))
    blocks.append(_count(report))
    return "\n\n".join(blocks)


def _block(f: Any, lines: list[str]) -> str:
    place = f"{f.file}:{f.line}" if f.file and f.line else f.file
    head = f"{f.code} {f.severity}: {f.title}" + (f"  ({place})" if place else "")
    shown = [f"    {f.line} | {lines[f.line - 1].strip()}"] if 0 < f.line <= len(lines) else []
    return "\n".join([head, *shown, f"  seen:   {f.evidence}", f"  damage: {f.damage}", f"  repair: {f.repair}",
                      f"  silence it: # steepest: ignore[{f.code}]"])  # fmt: skip


def not_run_line(n: Any) -> str:
    """What could not be checked, of which file, and why."""
    codes = f"{', '.join(n.codes)}: " if n.codes else ""
    return f"{n.file + ': ' if n.file else ''}{codes}{n.why}"


def _count(report: Any) -> str:
    counts = {level: sum(f.severity == level for f in report.findings) for level in LEVELS}
    if not report.findings:
        return "Nothing found." if not report.not_run else "Nothing found in what could be checked."
    return ", ".join(f"{n} {level}{'s' if n != 1 else ''}" for level, n in counts.items() if n) + "."
