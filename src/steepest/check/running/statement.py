"""What a watched run could show and what not, in words."""

from __future__ import annotations

from .record import Run


def statement(run: Run) -> list[str]:
    """Sentences for `not_run`; empty when training and evaluation were seen to their end."""
    told = []
    where = f" on line {run.error_line}" if run.error_line else ""
    if run.ended == "error":
        told.append(f"the script stopped{where}: {_words(run.error)}; what comes after it was not seen")
    if run.ended == "limit":
        told.append(
            f"the time limit ended the script after {run.steps} optimizer steps; what comes after it was not seen"
        )
    if run.ended == "exit" and not run.steps:
        told.append("the script ended itself before any training; its training loop was not seen")
    elif not run.backwards and run.ended not in ("error", "limit"):
        told.append("the script ran to its end without a backward pass: nothing is trained in it, or not through torch")
    if run.ended in ("error", "limit") and not run.backwards:
        told.append("no training step was seen: all checks that need a run could not look")
    return told


def _words(error: str) -> str:
    if error.startswith("EOFError"):
        return "it waits for input, and there is none here"
    if error.startswith(("ModuleNotFoundError", "ImportError")):
        return f"it needs what is not installed here ({error.partition(': ')[2]})"
    if error.startswith("FileNotFoundError"):
        return f"a file is missing ({error.partition(': ')[2]})"
    if "SystemExit" in error or "exit code 2" in error:
        return f"{error}; if it needs arguments, give them after --"
    if error.startswith("PermissionError"):
        return f"it wanted to write or start what a watched script must not ({error.partition(': ')[2]})"
    return error
