"""A Ray cluster: one actor per core trains shards; an actor or a machine that dies costs the time of its shard."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from steepest.core.errors import UsageError

from ..race import TrialKey
from ..trainer import Shard, Trained, Trainer
from .work import MachineError, Work, answer_of, pack, read_error, write_error, write_shard

MOST_DEATHS = 3
LOOK_EVERY_S = 0.5
PATIENCE_S = 600.0
"""So long a cluster may have no place for a single worker: it may be starting machines."""


@dataclass(frozen=True)
class Cluster:
    """address: "auto" (the cluster of this machine, or the one that RAY_ADDRESS names) or "ray://host:10001"."""

    address: str

    @cached_property
    def n_workers(self) -> int:
        return max(1, int(connected(self.address).cluster_resources().get("CPU", 1)))

    def open(self, trainer: Trainer) -> ActorPool:
        return ActorPool(trainer, connected(self.address), self.n_workers)


def connected(address: str) -> Any:
    """The module ray, connected to the cluster; what the user has already connected is used as it is."""
    try:
        import ray
    except ImportError:
        raise UsageError(
            where="machines",
            seen=f"{address!r} is a Ray cluster and Ray is not installed",
            needed="the package ray was needed, here and on every machine of the cluster",
            repair='pip install "steepest[ray]"; or without a cluster machines="local:2".',
        ) from None
    if not ray.is_initialized():
        try:
            ray.init(address=address, log_to_driver=False, logging_level="warning")
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UsageError(
                where="machines",
                seen=f"no Ray cluster answers at {address!r} ({' '.join(str(error).split())[:200]})",
                needed="a running cluster was needed",
                repair="Start one with: ray start --head (and on other machines ray start --address=HOST:6379), "
                "or name it: ray://HOST:10001.",
            ) from error
    return ray


class Actor:
    """A worker on some machine of the cluster."""

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        self._work: Work | None = None

    def train(self, shard: str) -> tuple[str, str, dict[str, bytes]]:
        """("", outcomes, weights) or (an error in plain words, "", {})."""
        try:
            self._work = self._work or Work(self._packed)
            return "", *self._work.train(shard)
        except Exception as error:
            return write_error(error), "", {}


class ActorPool:
    """See Machines."""

    def __init__(self, trainer: Trainer, ray: Any, n_workers: int) -> None:
        self._trainer, self._ray, self._n_workers = trainer, ray, n_workers
        self._todo: deque[Shard] = deque()
        self._at_work: dict[Any, tuple[Any, Shard]] = {}  # the answer to come -> who gives it, to what
        self._idle: list[Any] = []
        self._deaths: Counter[tuple[TrialKey, ...]] = Counter()
        self._packed: Any = None
        self._heard = time.monotonic()

    def submit(self, shard: Shard) -> None:
        if self._packed is None:
            self._packed = self._ray.put(pack(self._trainer, elsewhere=True))
        self._todo.append(shard)
        self._hand_out()

    def results(self) -> Iterator[tuple[Shard, Trained]]:
        self._heard = time.monotonic()
        while self._at_work or self._todo:
            self._hand_out()
            ready, _ = self._ray.wait(list(self._at_work), num_returns=1, timeout=LOOK_EVERY_S)
            if not ready:
                self._trainer.progress.advance(0)
                self._refuse_silence()
                continue
            self._heard = time.monotonic()
            actor, shard = self._at_work.pop(ready[0])
            try:
                error, outcomes, weights = self._ray.get(ready[0])
            except self._ray.exceptions.RayError as lost:
                self._give_again(shard, lost)
                continue
            self._idle.append(actor)
            if error:
                raise read_error(error, "a worker of the cluster")
            self._trainer.progress.advance(shard.cost)
            yield shard, answer_of(outcomes, weights)

    def cancel(self) -> None:
        for actor in [*self._idle, *(actor for actor, _ in self._at_work.values())]:
            self._ray.kill(actor)
        self._idle, self._at_work, self._packed = [], {}, None
        self._todo.clear()

    def _hand_out(self) -> None:
        """Shards to whoever is free; a new worker where the cluster has room for one."""
        while self._todo and (self._idle or len(self._at_work) < self._n_workers):
            actor = self._idle.pop() if self._idle else self._new_actor()
            shard = self._todo.popleft()
            self._at_work[actor.train.remote(write_shard(shard))] = (actor, shard)

    def _new_actor(self) -> Any:
        n_gpus = 1 if self._trainer.task.device.type == "cuda" else 0
        remote = self._ray.remote(num_cpus=1, num_gpus=n_gpus, max_restarts=0)(Actor)
        return remote.remote(self._packed)

    def _give_again(self, shard: Shard, lost: Exception) -> None:
        self._deaths[shard.trials] += 1
        told = " ".join(str(lost).split())[:160]
        if self._deaths[shard.trials] >= MOST_DEATHS:
            raise MachineError(
                where=f"{len(shard.trials)} trials of {shard.rung.name}",
                seen=f"{MOST_DEATHS} workers of the cluster ended over them, the last: {told}",
                needed="a worker must live to the end of a shard",
                consequence="Finished rungs are safe in the study's folder.",
                repair='Is memory short there? machines="local" trains here and shows what happens.',
            ) from lost
        self._trainer.progress.say(
            f"a worker of the cluster was lost: its {len(shard.trials)} trials are trained again"
        )
        self._todo.append(shard)

    def _refuse_silence(self) -> None:
        if time.monotonic() - self._heard > PATIENCE_S and not self._is_anyone_at_work():
            raise MachineError(
                where="machines",
                seen=f"the cluster had no place for a worker for {PATIENCE_S / 60:.0f} minutes",
                needed="one free core was needed",
                consequence="Finished rungs are safe in the study's folder.",
                repair="ray status shows what holds it; steepest resume goes on, on these machines or others.",
            )

    def _is_anyone_at_work(self) -> bool:
        """Whether any of our actors has found a place."""
        from ray.util.state import list_actors

        alive = list_actors(filters=[("state", "=", "ALIVE")])
        return any(a.class_name.endswith("Actor") for a in alive)
