"""False alarms: `steepest check` on public training scripts that are held to be correct.

    python bench/check_public.py FOLDER...

FOLDER: a clone of a public repository, or a folder of them; nothing of it is copied. Each script or notebook that calls backward()
is read by the command itself, none is executed. One line per finding, to be looked at by hand, then the numbers per repository.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from steepest.check.files import check_file, files_of


def trains(file: Path) -> bool:
    try:
        return "backward(" in file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def commit_of(file: Path) -> str:
    """The commit of the clone that a file lies in."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=file.parent, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def main(folders: list[Path]) -> None:
    totals: Counter[str] = Counter()
    for folder in folders:
        found: Counter[str] = Counter()
        for file in filter(trains, files_of(folder)):
            report = check_file(file, False, [], 30, 60.0, ())
            found["scripts"] += 1
            found["not read"] += any(not n.codes for n in report.not_run)
            for severity in ("error", "warning"):
                found[f"with {severity}s"] += any(f.severity == severity for f in report.findings)
            for f in report.findings:
                if f.severity != "note":
                    print(f"{f.severity:8s}{f.code} {file.relative_to(folder.parent)}:{f.line} {f.evidence}")
            for n in report.not_run:
                print(f"not run {' '.join(n.codes) or 'all'} {file.relative_to(folder.parent)}: {n.why}")
        totals.update(found)
        print(
            f"{folder.name} {commit_of(folder)}: " + ", ".join(f"{n} {what}" for what, n in found.items()), flush=True
        )
    print("all: " + ", ".join(f"{n} {what}" for what, n in totals.items()))


if __name__ == "__main__":
    main([Path(argument).resolve() for argument in sys.argv[1:]])
