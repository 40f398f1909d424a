"""Check: finds the mistakes that ruin training silently, in a script and in live objects, and stays silent on correct code."""

from __future__ import annotations

from typing import Any

from .finding import Finding, NotRun, Report
from .refusal import CheckFailed

__all__ = ["CheckFailed", "Finding", "NotRun", "Report", "check", "watch"]


def check(model: Any, loss: Any, optimizer: Any, data: Any, *, ignore: tuple[str, ...] = ()) -> Report:
    """Mistakes in these objects, found by a few batches on copies: model, buffers, optimizer state, random numbers and the
    loader's position are bit-identical afterwards.

    model: an nn.Module. loss: a callable `(output, target)`. optimizer: a torch optimizer, or None. data: a DataLoader, a
    Dataset, a batch `(x, y)`, or a list of batches. ignore: codes that are not asked.
    Returns a Report: print it, or read `report.findings` and `report.not_run`.
    """
    from .running.objects import check_objects

    return check_objects(model, loss, optimizer, data, ignore)


def watch(model: Any = None, optimizer: Any = None, *, steps: int = 30, ignore: tuple[str, ...] = ()) -> Any:
    """Watch the first steps of an existing loop: `with st.watch(model, optimizer) as seen:`, then `seen.report`.

    Nothing is done after the given number of optimizer steps; findings are printed then, or at the end of the block.
    """
    from .running.watching import Watch

    return Watch(model, optimizer, steps, ignore)
