"""The error that `compare` and `fit` raise when the check of their objects found what no training can survive."""

from __future__ import annotations

from typing import Any

from steepest.core.errors import SteepestError


class CheckFailed(SteepestError, ValueError):
    """Findings of severity error before training; `report` holds them."""

    report: Any = None


def refuse_fatal(report: Any, where: str) -> None:
    """Raise CheckFailed when the report holds an error."""
    fatal = [f for f in report.findings if f.severity == "error"]
    if not fatal:
        return
    first = fatal[0]
    error = CheckFailed(
        where=where,
        seen=f"{first.code}: {first.evidence}",
        needed="a loop that can learn was needed",
        consequence=first.damage,
        repair=f"{first.repair} (check=False trains all the same)",
    )
    error.report = report
    raise error
