"""Judges `steepest check` on the two-halves collection: python tests/check/judge_programs.py --half seen|unseen.

Every program is checked by the command itself, as a user would, in a process of its own: once executed (`--run`) and
once read only. Per program: what was told; then, for each form: the share of mistakes found (any error or warning), of
right codes, of faulty programs with an error under a code that is not theirs, and of correct programs with errors or
warnings. Notes do not count. `unseen` is for reporting: nobody looks at its programs while writing checks.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # type: ignore[no-redef]

PROGRAMS = Path(__file__).parent / "programs"
HALVES = ("seen", "unseen")
COLLECTIONS = (*HALVES, "threads")
"""`threads` was written before the readers of functions, classes and loaders were, and used to write them."""
LIMIT = 180
"""Seconds after which a check is given up."""


@dataclass(frozen=True)
class Program:
    file: Path
    codes: frozenset[str]
    description: str
    source: str

    @property
    def faulty(self) -> bool:
        return self.file.parent.name == "faulty"


@dataclass(frozen=True)
class Told:
    """What one check told of one program: codes of errors and of warnings, or why there is no answer."""

    program: Program
    errors: frozenset[str] = frozenset()
    warnings: frozenset[str] = frozenset()
    failure: str = ""

    @property
    def found(self) -> bool:
        return bool(self.errors | self.warnings)

    @property
    def right(self) -> bool:
        return bool((self.errors | self.warnings) & self.program.codes)

    @property
    def wrong(self) -> bool:
        return bool(self.errors - self.program.codes)


def programs(half: str) -> list[Program]:
    """All programs of a half, in the order of its manifest."""
    folder = PROGRAMS / half
    entries = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))["program"]
    return [Program(folder / e["file"], frozenset(e["codes"]), e["description"], e["source"]) for e in entries]


def told(program: Program, run: bool) -> Told:
    """What the command tells of a program, started in an empty folder."""
    command = [sys.executable, "-m", "steepest", "check", str(program.file), "--format", "json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                command + ["--run"] * run,
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Told(program, failure=f"no answer in {LIMIT} s")
    try:
        findings = json.loads(done.stdout)["findings"]
    except (ValueError, KeyError):
        return Told(program, failure=f"exit {done.returncode}, no report: {done.stderr.strip()[-300:]}")
    by_severity = {s: frozenset(f["code"] for f in findings if f["severity"] == s) for s in ("error", "warning")}
    return Told(program, by_severity["error"], by_severity["warning"])


def share(some: int, of: int) -> str:
    return f"{some:3d} of {of:3d} ({some / of:6.1%})" if of else "none"


def table(results: list[Told]) -> str:
    """The figures of one form of the check over a half."""
    faulty = [t for t in results if t.program.faulty]
    correct = [t for t in results if not t.program.faulty]
    lines = [
        ("mistakes found", sum(t.found for t in faulty), len(faulty)),
        ("under a right code", sum(t.right for t in faulty), len(faulty)),
        ("faulty, with a wrong error", sum(t.wrong for t in faulty), len(faulty)),
        ("correct, with an error", sum(bool(t.errors) for t in correct), len(correct)),
        ("correct, with a warning", sum(bool(t.warnings) for t in correct), len(correct)),
        ("no report", sum(bool(t.failure) for t in results), len(results)),
    ]
    return "\n".join(f"  {name:28s}{share(some, of)}" for name, some, of in lines)


def line(t: Told) -> str:
    """One line per program: a verdict, what was expected, what was told."""
    if t.failure:
        verdict = "NO REPORT"
    elif t.program.faulty:
        verdict = ("right" if t.right else "other code" if t.found else "MISSED") + (" +wrong error" if t.wrong else "")
    else:
        verdict = "FALSE ERROR" if t.errors else "false warning" if t.warnings else "silent"
    said = " ".join(sorted(t.errors) + [f"({code})" for code in sorted(t.warnings)]) or "-"
    name = f"{t.program.file.parent.name}/{t.program.file.name}"
    return f"{verdict:22s} {name:50s} expects {' '.join(sorted(t.program.codes)) or '-':12s} told {said} {t.failure}"


def judge(chosen: list[Program], run: bool, jobs: int = 1) -> list[Told]:
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda program: told(program, run), chosen))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--half", choices=COLLECTIONS, required=True)
    parser.add_argument("--static-only", action="store_true", help="read the programs, execute none")
    parser.add_argument("--jobs", type=int, default=1, help="programs checked at the same time")
    parser.add_argument("--only", default="", help="programs whose file name holds this text")
    options = parser.parse_args()
    chosen = [p for p in programs(options.half) if options.only in p.file.name]
    for run in (False,) if options.static_only else (False, True):
        results = judge(chosen, run, options.jobs)
        print("executed" if run else "read only")
        print("\n".join(line(t) for t in results))
        print(table(results), flush=True)


if __name__ == "__main__":
    main()
