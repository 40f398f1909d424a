"""Every way out of a command: 0 fine, 1 our mistake, 2 bad input, 130 Ctrl-C; one message, no traceback unasked."""

from __future__ import annotations

import functools
import inspect
import os
import shlex
import shutil
import sys
import textwrap
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from steepest.core.errors import SteepestError

from .options.common import Debug

BAD_INPUT = 2
INTERRUPTED = 130
OUR_MISTAKE = 1


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the option --debug and turn what it raises into a message on stderr and an exit code."""

    @functools.wraps(command)
    def run(*args: Any, debug: bool = False, **options: Any) -> None:
        try:
            command(*args, **options)
        except (typer.Exit, typer.Abort, BrokenPipeError, KeyboardInterrupt):
            raise
        except SteepestError as error:
            if debug:
                traceback.print_exc()
            complain(error)
            raise typer.Exit(BAD_INPUT) from None
        except Exception as error:
            if _is_usage(error):
                raise
            if debug:
                traceback.print_exc()
            _confess(error, debug)
            raise typer.Exit(OUR_MISTAKE) from None

    signature = inspect.signature(command, eval_str=True)
    option = inspect.Parameter("debug", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Debug)
    run.__signature__ = signature.replace(parameters=[*signature.parameters.values(), option])  # type: ignore[attr-defined]
    run.__annotations__ = {**{p.name: p.annotation for p in signature.parameters.values()}, "debug": Debug}
    return run


def complain(error: SteepestError) -> None:
    """What was seen, what was needed, the repair; text of users as it is, but for characters that steer a terminal."""
    say("Error: ", _visible(str(error)), style=typer.colors.RED)


def _visible(text: str) -> str:
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)


def interrupted(folder: Path | None) -> typer.Exit:
    """After Ctrl-C: what is saved and how to go on. To be raised."""
    sys.stderr.write("\n")
    say("Stopped. ", _what_is_saved(folder), style=typer.colors.YELLOW)
    return typer.Exit(INTERRUPTED)


def say(start: str, text: str, style: str | None = None) -> None:
    """Lines on stderr; on a terminal the start is coloured and lines are wrapped between words."""
    lines = text.split("\n")
    if sys.stderr.isatty():
        columns = max(30, shutil.get_terminal_size((80, 24)).columns - len(start))
        lines = [
            part
            for line in lines
            for part in textwrap.wrap(line, columns, break_long_words=False, break_on_hyphens=False)
        ]
    shown = typer.style(start, fg=style, bold=True) if style and has_colours(sys.stderr) else start
    typer.echo(shown + ("\n" + " " * len(start)).join(lines), err=True)


def has_colours(stream: Any) -> bool:
    """A terminal whose user did not ask for none (https://no-color.org)."""
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _what_is_saved(folder: Path | None) -> str:
    from steepest.results.store import Store, read_study

    if folder is None or not Store.exists(folder):
        return "Nothing was begun yet, so nothing is lost and nothing is left behind."
    try:
        n = len(read_study(folder).finished_rungs)
    except SteepestError:
        n = 0
    saved = "The plan is saved" if n == 0 else f"The plan and {n} finished {'rung is' if n == 1 else 'rungs are'} saved"
    page = folder / "report.html"
    told = f"\nWhat is known so far: {page}" if page.exists() else ""
    return f"{saved} in {folder}.{told}\nGo on with: steepest resume {shlex.quote(str(folder))}"


def _is_usage(error: Exception) -> bool:
    """Typer's own words about options and arguments, which it prints itself."""
    return isinstance(error, typer.BadParameter) or any(c.__name__ == "ClickException" for c in type(error).__mro__)


def _confess(error: Exception, debug: bool) -> None:
    say("Error: ", _visible(f"{type(error).__name__}: {error}"), style=typer.colors.RED)
    say("", "This is a mistake in Steepest, not in what you typed; finished work is kept.")
    again = "the traceback above" if debug else "the traceback that the same command shows with --debug"
    say("", f"Please report it with {again} and the output of: steepest version")
