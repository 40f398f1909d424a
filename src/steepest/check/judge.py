"""From facts to a report: every rule looks, what is suppressed goes, a rule that fails is named instead of passing for silent."""

from __future__ import annotations

from collections.abc import Iterable

from steepest.core.checks import Check

from .catalogue import all_checks
from .facts import Facts
from .finding import Finding, NotRun, Report, Seen
from .suppress import is_ignored

HIDES = {
    "L03": ("H04", "H10", "H03", "G01", "L13"),
    "L06": ("L05", "L13"),
    "L05": ("E01", "L13"),
    "L04": ("H11", "D01"),
    "D01": ("H11", "D02"),
    "D02": ("H11",),
    "G03": ("G01", "G02", "O01"),
    "G01": ("G02", "O01", "O02", "Z03"),
    "O02": ("O01",),
    "P01": ("O01",),
    "P02": ("O01",),
    "P04": ("O01", "O02", "M01", "M03"),
    "T02": ("H01", "D08", "T01"),
    "L08": ("H01", "T02"),
    "L11": ("H01",),
    "L01": ("H06",),
    "D08": ("H06", "H09"),
    "H04": ("H02", "H03", "H10"),
    "H03": ("H10", "H02"),
    "L12": ("H03", "H06"),
    "T05": ("H11",),
    "Z03": ("Z01", "Z05", "H07"),
    "Z02": ("H07",),
    "Z01": ("Z05",),
    "H01": ("H09", "H10"),
    "G05": ("H01", "H09"),
    "M03": ("M01",),
}
"""A mistake explains others that follow from it: where the first is found, the second are not told."""


LAST = ("H01", "H06", "H08", "H09", "H10")
"""Symptoms: told only where no other error explains them."""


def judge(facts: Facts, lines: list[str], file: str, ignore: Iterable[str] = ()) -> Report:
    """All findings in these facts. lines: the source, for `# steepest: ignore[L01]`."""
    off = {code.upper() for code in ignore}
    findings: list[Finding] = []
    not_run: list[NotRun] = []
    for check in all_checks():
        if check.code in off:
            continue
        try:
            seen = list(check(facts))
        except Exception as error:  # a rule must not stop the others, nor pass for silent
            why = f"the check failed on this program ({type(error).__name__}: {str(error)[:120]})"
            not_run.append(NotRun(why, (check.code,), file))
            continue
        findings += [f for f in (_finding(check, s, file) for s in seen) if not is_ignored(f, lines)]
    return Report(_without_consequences(_once(findings)), not_run)


def _finding(check: Check, seen: Seen, file: str) -> Finding:
    return Finding(
        check.code,
        seen.severity or check.severity,
        check.title,
        seen.evidence,
        check.damage,
        seen.repair or check.repair,
        seen.file or file,
        seen.line,
    )


def _once(findings: list[Finding]) -> list[Finding]:
    """The first of those with one code and line; and no finding without a line beside one of the same code with a line."""
    kept: dict[tuple[str, str, int], Finding] = {}
    for f in sorted(findings, key=lambda f: f.order):
        kept.setdefault((f.code, f.file, f.line), f)
    placed = {f.code for f in kept.values() if f.line}
    return [f for f in kept.values() if f.line or f.code not in placed]


def _without_consequences(findings: list[Finding]) -> list[Finding]:
    codes = {f.code for f in findings if f.severity != "note"}
    hidden = {code for cause in codes for code in HIDES.get(cause, ())}
    if any(f.severity == "error" and f.code not in LAST for f in findings):
        hidden.update(LAST)
    if any(code != "H08" for code in codes):
        hidden.add("H08")
    return [f for f in findings if f.code not in hidden]
