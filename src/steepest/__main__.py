"""`python -m steepest` is the command `steepest`. Reading scripts begins here, before the command line is loaded: that halves its time."""

from __future__ import annotations

import os
import sys

PLAIN = {"--format": "form", "--ignore": "ignore"}
"""The options of `steepest check` that this file knows; all else, mistakes included, goes the way of the other commands."""
INTERRUPTED = 130


def main() -> None:
    """The entry point of the command."""
    try:
        _answer()
    except KeyboardInterrupt:  # before a command has begun, which says more
        sys.exit(INTERRUPTED)


def _answer() -> None:
    told = _read_only(sys.argv[1:])
    if told is None:
        from steepest.cli import main as whole

        whole()
        return
    try:
        print(told[0], flush=True)
    except BrokenPipeError:  # the reader has seen enough, as `head` has; Python flushes once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(told[1])


def _read_only(words: list[str]) -> tuple[str, int] | None:
    """The answer of `steepest check FILE... [--format NAME] [--ignore A,B]`, or None where it is anything else."""
    if words[:1] != ["check"]:
        return None
    options: dict[str, str] = {}
    paths = []
    rest = iter(words[1:])
    for word in rest:
        name, equals, value = word.partition("=")
        if name in PLAIN:
            options[PLAIN[name]] = value if equals else next(rest, "")
        elif word.startswith("-"):
            return None
        else:
            paths.append(word)
    from pathlib import Path

    from steepest.check.answer import answer
    from steepest.core.errors import SteepestError

    try:
        return answer([Path(p) for p in paths], **options)  # type: ignore[arg-type]
    except SteepestError:
        return None  # told by the command line, as all its errors are


if __name__ == "__main__":
    main()
