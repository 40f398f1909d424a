"""How long a worker may take over a shard, and how many workers a shard may cost, before somebody is told."""

from __future__ import annotations

import time
from collections import Counter

from steepest.core.errors import SteepestError

from ..race import TrialKey
from ..trainer import Shard

MOST_DEATHS = 3
FEWEST_SECONDS, TIMES_SLOWER = 300.0, 20.0
"""A worker that needs so many times longer than the slowest before it, and at least so long, hangs."""


class MachineError(SteepestError, RuntimeError):
    """Work that no worker could bring to its end."""


class Patience:
    """What has been seen of the workers so far."""

    def __init__(self) -> None:
        self._deaths: Counter[tuple[TrialKey, ...]] = Counter()
        self._slowest = 0.0

    def note(self, shard: Shard, begun: float) -> None:
        """A shard came back; begun: time.monotonic() when it went out."""
        self._slowest = max(self._slowest, (time.monotonic() - begun) / shard.cost)

    def has_ended(self, shard: Shard, begun: float) -> bool:
        """Whether the worker that took the shard hangs; never while there is none to compare it with."""
        allowed = max(FEWEST_SECONDS, TIMES_SLOWER * self._slowest * shard.cost)
        return self._slowest > 0 and time.monotonic() - begun > allowed

    def lost(self, shard: Shard, how: str) -> str:
        """A worker died over the shard: what to tell while it is trained again; MachineError when it took too many."""
        self._deaths[shard.trials] += 1
        if self._deaths[shard.trials] < MOST_DEATHS:
            return f"{how}: its {len(shard.trials)} trials are trained again"
        raise MachineError(
            where=f"{len(shard.trials)} trials of {shard.rung.name}",
            seen=f"{MOST_DEATHS} workers ended over them, the last: {how}",
            needed="a worker must live to the end of a shard",
            consequence="Finished rungs are safe in the study's folder.",
            repair='Is memory short? Fewer workers need less; machines="local" trains here and shows what happens.',
        )
