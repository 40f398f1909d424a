"""The default: shards are trained one after the other, in the process that asks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from ..trainer import Shard, Trained, Trainer


@dataclass(frozen=True)
class Here:
    n_workers: int = 1

    def open(self, trainer: Trainer) -> InProcess:
        return InProcess(trainer)


class InProcess:
    """See Machines."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer, self._todo = trainer, deque[Shard]()

    def submit(self, shard: Shard) -> None:
        self._todo.append(shard)

    def results(self) -> Iterator[tuple[Shard, Trained]]:
        while self._todo:
            shard = self._todo.popleft()
            yield shard, self._trainer.train(shard)

    def cancel(self) -> None:
        self._todo.clear()
