"""Where the shards of a study are trained: in this process, in others beside it, on several devices, on a Ray cluster.

The verdict does not depend on it: shards are cut by a rule that never looks at the machines, each is trained as one
population on one thread, and its random numbers are keyed by seed. A worker that dies loses nothing but time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from steepest.core.errors import UsageError

from ..trainer import Shard, Trained, Trainer
from .cluster import Cluster
from .here import Here
from .patience import MachineError
from .processes import Processes

__all__ = ["MachineError", "Machines", "Place", "place_of"]

EXAMPLES = 'machines="local" (this process), "local:2" (it and another), "auto" (the Ray cluster of this machine), "ray://host:10001".'


class Machines(Protocol):
    """Trains shards. Whoever opened it calls cancel() in the end, whatever happened."""

    def submit(self, shard: Shard) -> None:
        """Begin with a shard now, or as soon as a worker is free."""
        ...

    def results(self) -> Iterator[tuple[Shard, Trained]]:
        """Every submitted shard once, as they finish; the first error of one is raised."""
        ...

    def cancel(self) -> None:
        """Stop all work at once and let the workers go. A second call does nothing."""
        ...


class Place(Protocol):
    """What `machines=` names. n_workers: shards that train at the same time."""

    @property
    def n_workers(self) -> int: ...

    def open(self, trainer: Trainer) -> Machines:
        """Workers start with the first shard, not before."""
        ...


def place_of(words: str | int, devices: Sequence[str] = ("cpu",)) -> Place:
    """The place that `machines=` or --machines names; UsageError with the forms that are known.

    devices: of this machine, see compare/devices.py. Each has a process; more processes take them in turn.
    """
    text = str(words).strip()
    if match := re.fullmatch(r"local|(?:local:)?(\d+|all)", text):
        n = n_cores() if match[1] == "all" else int(match[1] or 1)
        if n >= 1:
            n = max(n, len(devices))
            return Processes(tuple(devices[i % len(devices)] for i in range(n))) if n > 1 else Here()
    if text == "auto" or text.startswith("ray://"):
        return Cluster(text, _of_each_worker(devices))
    raise UsageError(
        where="machines",
        seen=repr(words),
        needed="a place to train was needed",
        repair=EXAMPLES,
    )


def _of_each_worker(devices: Sequence[str]) -> str:
    if len(devices) > 1:
        raise UsageError(
            where="device",
            seen=f"{len(devices)} devices ({', '.join(devices)}) and a cluster",
            needed="the kind of device that each worker of the cluster has was needed",
            repair=f'device="{devices[0].split(":")[0]}": as many workers as the cluster has of it.',
        )
    return devices[0].split(":")[0]


def n_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
