"""What the rules look at: the source as read, and the run as watched; either may be missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .reading.source import Source
    from .running.record import Run


@dataclass(frozen=True)
class Facts:
    """source: facts read from a script; run: facts watched in a process. A rule uses what is there."""

    source: Source | None = None
    run: Run | None = None
