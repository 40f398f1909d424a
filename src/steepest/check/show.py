"""A report as text, JSON, SARIF or GitHub annotations."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from steepest.core.checks import Check

from .finding import Finding, NotRun, Report

LEVELS = {"error": "error", "warning": "warning", "note": "note"}


def text(report: Report, sources: Mapping[str, list[str]] | None = None) -> str:
    """For readers: the line, what was seen, why it matters, the repair; then what could not be checked."""
    blocks = [_block(f, (sources or {}).get(f.file, [])) for f in report.findings]
    if report.not_run:
        blocks.append("\n".join(["Not checked:", *(f"  {_not_run(n)}" for n in report.not_run)]))
    blocks.append(_count(report))
    return "\n\n".join(blocks)


def _block(f: Finding, lines: list[str]) -> str:
    place = f"{f.file}:{f.line}" if f.file and f.line else f.file
    head = f"{f.code} {f.severity}: {f.title}" + (f"  ({place})" if place else "")
    shown = [f"    {f.line} | {lines[f.line - 1].strip()}"] if 0 < f.line <= len(lines) else []
    return "\n".join([head, *shown, f"  seen:   {f.evidence}", f"  damage: {f.damage}", f"  repair: {f.repair}",
                      f"  silence it: # steepest: ignore[{f.code}]"])  # fmt: skip


def _not_run(n: NotRun) -> str:
    codes = f"{', '.join(n.codes)}: " if n.codes else ""
    return f"{n.file + ': ' if n.file else ''}{codes}{n.why}"


def _count(report: Report) -> str:
    counts = {level: sum(f.severity == level for f in report.findings) for level in LEVELS}
    if not report.findings:
        return "Nothing found." if not report.not_run else "Nothing found in what could be checked."
    return ", ".join(f"{n} {level}{'s' if n != 1 else ''}" for level, n in counts.items() if n) + "."


def as_json(report: Report) -> str:
    return json.dumps(report.to_dict(), indent=2)


def github(report: Report) -> str:
    """Workflow commands: one annotation per finding."""
    names = {"error": "error", "warning": "warning", "note": "notice"}
    lines = []
    for f in report.findings:
        place = f"file={_property(f.file)}" + (f",line={f.line}" if f.line else "")
        lines.append(
            f"::{names[f.severity]} {place},title={_property(f'{f.code} {f.title}')}::{_data(f'{f.evidence}. {f.repair}')}"
        )
    lines += [f"::notice title=not checked::{_data(_not_run(n))}" for n in report.not_run]
    return "\n".join(lines)


def _data(words: str) -> str:
    return words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(words: str) -> str:
    return _data(words).replace(":", "%3A").replace(",", "%2C")


def sarif(report: Report) -> str:
    """SARIF 2.1.0, as code scanning services read it."""
    from .catalogue import check_of

    codes = report.codes()
    rules = [
        {"id": c.code, "name": c.name, "shortDescription": {"text": c.title}, "fullDescription": {"text": c.damage},
         "help": {"text": c.repair}, "defaultConfiguration": {"level": LEVELS[c.severity]}}
        for c in map(check_of, codes)
    ]  # fmt: skip
    results = [
        {"ruleId": f.code, "ruleIndex": codes.index(f.code), "level": LEVELS[f.severity],
         "message": {"text": f"{f.title}: {f.evidence}. {f.repair}"}, "locations": [_location(f)]}
        for f in report.findings
    ]  # fmt: skip
    notices = [{"level": "note", "message": {"text": _not_run(n)}} for n in report.not_run]
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "steepest check", "rules": rules}},
        "results": results,
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notices}],
    }
    return json.dumps(
        {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}, indent=2
    )


def _location(f: Finding) -> dict[str, Any]:
    path = Path(f.file)
    uri = path.as_uri() if path.is_absolute() else path.as_posix()
    return {
        "physicalLocation": {"artifactLocation": {"uri": uri or "unknown"}, "region": {"startLine": max(f.line, 1)}}
    }


FORMATS: dict[str, Callable[[Report], str]] = {"text": text, "json": as_json, "sarif": sarif, "github": github}


def explained(check: Check) -> str:
    """Everything about one check: what it sees, why, the repair, a program that has the mistake and one that has not."""
    bad, good = check.bad.strip().splitlines(), check.good.strip().splitlines()
    parts = [
        f"{check.code} ({check.severity}, {check.certainty}): {check.title}",
        f"damage: {check.damage}",
        f"repair: {check.repair}",
        f"needs:  {check.needs}",
        f"source: {check.source}",
        "",
        "the mistake (-) and its repair (+):",
        *_difference(bad, good),
    ]
    return "\n".join(parts)


def _difference(bad: list[str], good: list[str]) -> list[str]:
    import difflib

    lines = list(difflib.unified_diff(bad, good, lineterm="", n=2))[2:]
    return [line for line in lines if not line.startswith("@@")]
