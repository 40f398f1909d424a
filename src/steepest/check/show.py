"""A report as text, JSON, SARIF or GitHub annotations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from steepest.core.checks import Check

from .finding import Finding, Report
from .text import not_run_line, text

LEVELS = {"error": "error", "warning": "warning", "note": "note"}


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
    lines += [f"::notice title=not checked::{_data(not_run_line(n))}" for n in report.not_run]
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
    notices = [{"level": "note", "message": {"text": not_run_line(n)}} for n in report.not_run]
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
