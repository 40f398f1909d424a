"""What a check reports: plain values only, so that a finding crosses processes and goes into any format."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from steepest.core.checks import Severity

from .text import text

ORDER = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True)
class Seen:
    """What a rule yields: the evidence and where; the rest stands in its declaration unless this case has its own."""

    evidence: str
    line: int = 0
    repair: str = ""
    severity: Severity | None = None
    file: str = ""


@dataclass(frozen=True)
class Finding:
    """One mistake with its evidence. line 0: it concerns no single line."""

    code: str
    severity: Severity
    title: str
    evidence: str
    damage: str
    repair: str
    file: str = ""
    line: int = 0

    @property
    def order(self) -> tuple[int, str, int, str]:
        return (ORDER[self.severity], self.file, self.line, self.code)


@dataclass(frozen=True)
class NotRun:
    """Checks that could not run, and why; codes is empty when all of them are meant."""

    why: str
    codes: tuple[str, ...] = ()
    file: str = ""


@dataclass(frozen=True)
class Report:
    """Everything that was found, and what could not be looked at."""

    findings: list[Finding] = field(default_factory=list)
    not_run: list[NotRun] = field(default_factory=list)

    @property
    def errors(self) -> list[Finding]:
        return [f for f in self.findings if f.severity == "error"]

    def codes(self) -> list[str]:
        return sorted({f.code for f in self.findings})

    def __str__(self) -> str:
        return text(self)

    def to_dict(self) -> dict[str, Any]:
        return {"findings": [asdict(f) for f in self.findings], "not_run": [asdict(n) for n in self.not_run]}


def merged(reports: list[Report]) -> Report:
    """One report of several; what two of them found in one place is said once."""
    findings: dict[tuple[str, str, int], Finding] = {}
    not_run: list[NotRun] = []
    for report in reports:
        for found in report.findings:
            findings.setdefault((found.code, found.file, found.line), found)
        not_run += [n for n in report.not_run if n not in not_run]
    return Report(sorted(findings.values(), key=lambda f: f.order), not_run)
