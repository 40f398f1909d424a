"""From paths to reports: scripts, notebooks and folders; read, and watched where that is asked for. No torch here."""

from __future__ import annotations

import tokenize
from dataclasses import replace
from pathlib import Path

from steepest.core.errors import DataError

from .facts import Facts
from .finding import NotRun, Report, merged
from .judge import judge
from .notebook import read_notebook
from .reading.read import read
from .reading.source import Source
from .running.start import watch_script

SKIPPED = {
    ".git",
    ".venv",
    "venv",
    "__pycache__",
    "node_modules",
    "site-packages",
    ".ipynb_checkpoints",
    "build",
    "dist",
}


def check_paths(
    paths: list[Path], *, run: bool = False, argv: tuple[str, ...] = (), budget: int = 30, limit_s: float = 60.0,
    ignore: tuple[str, ...] = (),
) -> Report:  # fmt: skip
    """One report of all files. Raises DataError for a path that is not there."""
    reports = [check_file(f, run, list(argv), budget, limit_s, ignore) for path in paths for f in files_of(path)]
    return merged(reports)


def files_of(path: Path) -> list[Path]:
    """The file itself, or all scripts and notebooks below a folder."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(
            where="check",
            seen=f"there is no {path}",
            needed="a script, a notebook or a folder was needed",
            repair="Look at the path.",
        )
    found = [p for p in sorted(path.rglob("*")) if p.suffix in (".py", ".ipynb") and p.is_file()]
    return [p for p in found if not SKIPPED & set(p.relative_to(path).parts)]


def check_file(file: Path, run: bool, argv: list[str], budget: int, limit_s: float, ignore: tuple[str, ...]) -> Report:
    """Reads the file; runs it under the recorder too when asked."""
    name = str(file)
    try:
        book = read_notebook(file.read_text(encoding="utf-8")) if file.suffix == ".ipynb" else None
        text = book.text if book is not None else _text(file)
    except (OSError, UnicodeDecodeError, SyntaxError, ValueError, KeyError, TypeError) as error:
        return Report([], [NotRun(f"the file cannot be read ({type(error).__name__}: {str(error)[:120]})", (), name)])
    try:
        source = read(text, name)
    except (SyntaxError, ValueError, RecursionError) as error:
        where = f" on line {error.lineno}" if isinstance(error, SyntaxError) else ""
        return Report(
            [], [NotRun(f"the file is no valid Python{where} ({str(error)[:120]}): nothing could be checked", (), name)]
        )
    report = _report(source, text, name, run, argv, budget, limit_s, ignore)
    if book is None:
        return report
    told = [replace(f, evidence=f"{f.evidence} ({book.told(f.line)})") if f.line else f for f in report.findings]
    return Report(told, report.not_run)


def _report(
    source: Source,
    text: str,
    name: str,
    run: bool,
    argv: list[str],
    budget: int,
    limit_s: float,
    ignore: tuple[str, ...],
) -> Report:
    if run:
        report, came = watch_script(text, name, argv, budget=budget, limit_s=limit_s, ignore=ignore)
        if came:
            return report
        read_only = judge(Facts(source), text.splitlines(), name, ignore)
        return merged([read_only, report])
    return judge(Facts(source), text.splitlines(), name, ignore)


def _text(file: Path) -> str:
    with tokenize.open(file) as opened:
        return opened.read()
