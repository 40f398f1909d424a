"""`# steepest: ignore[L01]` on a line silences a code there; `# steepest: ignore-file[L01]` in the whole file."""

from __future__ import annotations

import re

from .finding import Finding

COMMENT = re.compile(r"#\s*steepest:\s*ignore(-file)?\s*(?:\[([^\]]*)\])?")


def is_ignored(finding: Finding, lines: list[str]) -> bool:
    """A comment without codes silences all of them; one on a line of its own concerns the next line."""
    for number, line in enumerate(lines, start=1):
        for whole, codes in COMMENT.findall(line):
            named = {c.strip().upper() for c in codes.split(",") if c.strip()}
            if named and finding.code not in named:
                continue
            next_line = line.lstrip().startswith("#")
            if whole or finding.line == (number + 1 if next_line else number):
                return True
    return False
