"""Eject: the winner of a study as one plain PyTorch script that needs nothing of ours and reaches the same score."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from steepest.core.errors import UsageError
from steepest.results.durable import atomic_write
from steepest.results.records import Study, Verdict

from ..task import Task
from .script import BESIDE, FILE, Subject, write

__all__ = ["eject", "script_of", "with_script"]


def eject(study: Study, path: str | os.PathLike[str], parts: Callable[[], tuple[Any, Task]]) -> Path:
    """Write the script that the study stored, or make it now; data that no text names are put beside it.

    parts: gives the request and the task, where they are needed.
    """
    target = Path(path)
    text = _winner(study).winner_code or script_of(study, *parts())
    target.parent.mkdir(parents=True, exist_ok=True)
    if f'"{BESIDE}"' in text:
        import numpy

        data = parts()[1].data
        numpy.savez_compressed(target.with_name(BESIDE), x=data.x.numpy(), y=data.y.numpy())
    atomic_write(target, text.replace(f"python {FILE}", f"python {shlex.quote(target.name)}"))
    return target


def with_script(study: Study, verdict: Verdict, request: Any, task: Task) -> Verdict:
    """The verdict with the script of its winner, which is stored with it; without one where it cannot be written."""
    try:
        return replace(verdict, winner_code=script_of(replace(study, verdict=verdict), request, task))
    except Exception:  # a study ends well whatever its model's source is like; eject raises it again, for who asks
        return verdict


def script_of(study: Study, request: Any, task: Task) -> str:
    """The script of the winner. request: what was asked (compare.ask.Request)."""
    verdict = _winner(study)
    summary = next(a for a in verdict.arms if a.name == verdict.winner)
    choice = next(a for a in request.arms if a.arm.name == verdict.winner)
    confirmed = [o for o in study.outcomes if o.arm == verdict.winner and o.test_score is not None]
    return write(
        Subject(
            plan=study.plan,
            arm=choice.arm,
            learning_rate=summary.learning_rate if summary.learning_rate is not None else choice.learning_rates[0],
            task=task,
            factory=request.build,
            source=request.asked["data"],
            measured={o.seed: o.test_score for o in confirmed if o.test_score is not None},
        )
    ).text


def _winner(study: Study) -> Verdict:
    verdict = study.verdict
    if verdict is None or verdict.winner is None:
        raise UsageError(
            where="eject",
            seen="the study has no winner" if verdict is not None else "the study is not finished",
            needed="a winner was needed",
            repair="Run it to its end: steepest resume FOLDER." if verdict is None else "See its verdict.",
        )
    return verdict
