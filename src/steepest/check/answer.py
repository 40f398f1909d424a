"""The answer of the command `steepest check`: a text and an exit code. No command line here, so that reading starts at once."""

from __future__ import annotations

from pathlib import Path

from steepest.core.errors import UsageError, did_you_mean

from .catalogue import check_of
from .files import check_paths
from .show import FORMATS
from .text import text


def answer(
    paths: list[Path], *, run: bool = False, form: str = "text", ignore: str = "", steps: int = 30, time_limit: float = 60.0,
    argv: tuple[str, ...] = (),
) -> tuple[str, int]:  # fmt: skip
    """The report in one of the formats; 1 when it holds an error, else 0.

    Raises UsageError where format, codes, paths and arguments do not fit, DataError for a path that is not there.
    """
    if form not in FORMATS:
        raise UsageError(
            where="--format",
            seen=f"there is no format {form!r}",
            needed="a known one was needed",
            repair=did_you_mean(form, FORMATS),
        )
    if argv and not run:
        raise UsageError(where="check", seen=f"arguments for the script ({' '.join(argv)})", needed="a script that is run was needed",
                         repair="Add --run.")  # fmt: skip
    if not paths:
        raise UsageError(where="check", seen="no file was named", needed="a script, a notebook or a folder was needed",
                         repair="For example: steepest check train.py")  # fmt: skip
    codes = tuple(check_of(c.strip()).code for c in ignore.split(",") if c.strip())
    report = check_paths(paths, run=run, argv=argv, budget=steps, limit_s=time_limit, ignore=codes)
    if form == "text":
        return text(report, {f.file: _lines(f.file) for f in report.findings}), 1 if report.errors else 0
    return FORMATS[form](report), 1 if report.errors else 0


def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text(encoding="utf-8").splitlines() if file.endswith(".py") else []
    except (OSError, UnicodeDecodeError):
        return []
