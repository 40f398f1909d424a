"""What the rules look at: the source as read, and the run as watched; either may be missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .finding import Seen

if TYPE_CHECKING:
    from .reading.source import Source


@dataclass(frozen=True)
class Facts:
    """source: facts read from a script; run: the Run that was watched in a process. A rule uses what is there."""

    source: Source | None = None
    run: Any = None

    @property
    def unseen(self) -> Source | None:
        """The source when no training step was watched: what can be read must then do."""
        return self.source if self.run is None or not self.run.backwards else None

    def told(self, find: Callable[[Source], Iterator[tuple[int, str]]]) -> Iterator[Seen]:
        """What a reader of the source finds, watched or not: it is sure, and a run shows less of it."""
        if self.source is not None:
            for line, evidence in find(self.source):
                yield Seen(evidence, line)

    def read(self, find: Callable[[Source], Iterator[tuple[int, str]]]) -> Iterator[Seen]:
        """What a reader of the source finds, where no run could see it."""
        if self.unseen is not None:
            for line, evidence in find(self.unseen):
                yield Seen(evidence, line)
