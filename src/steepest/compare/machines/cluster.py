"""A Ray cluster: one actor per core trains shards; an actor or a machine that dies costs the time of its shard."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from steepest.core.errors import UsageError

from ..trainer import Shard, Trained, Trainer
from .patience import MOST_DEATHS, MachineError, Patience
from .work import Work, answer_of, pack, read_error, write_error, write_shard

LOOK_EVERY_S = 0.5
PATIENCE_S = 600.0
"""So long a cluster may have no place for a single worker: it may be starting machines."""


@dataclass(frozen=True)
class Cluster:
    """address: "auto" (the cluster of this machine, or the one that RAY_ADDRESS names) or "ray://host:10001".

    device: what each worker trains on, "cpu" or "cuda".
    """

    address: str
    device: str = "cpu"

    @cached_property
    def n_workers(self) -> int:
        there = connected(self.address).cluster_resources()
        return max(1, int(there.get("CPU" if self.device == "cpu" else "GPU", 1)))

    def open(self, trainer: Trainer) -> ActorPool:
        return ActorPool(trainer, connected(self.address), self.n_workers, self.device)


def needs_of(device: str) -> dict[str, int]:
    """What Ray must find free for a worker; it then shows the worker no other accelerator than its own."""
    return {"num_cpus": 1} if device == "cpu" else {"num_cpus": 1, "num_gpus": 1}


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
            raise _unanswered(address, " ".join(str(error).split())[:200]) from error
    return ray


def _unanswered(address: str, told: str) -> UsageError:
    start = "Start one with: ray start --head (and on other machines ray start --address=HOST:6379), or name it: ray://HOST:10001."
    if "ray[client]" in told:
        start = 'pip install "steepest[ray]": ray:// needs more of Ray than "auto" does.'
    elif address.startswith("ray://"):
        start += " Does it want a token (RAY_AUTH_MODE, as Ray prints where the head starts)?"
    return UsageError(
        where="machines",
        seen=f"no Ray cluster answers at {address!r} ({told})",
        needed="a running cluster was needed",
        repair=start,
    )


class Actor:
    """A worker on some machine of the cluster."""

    def __init__(self, packed: bytes, device: str) -> None:
        self._packed, self._device = packed, device
        self._work: Work | None = None

    def begin(self) -> str:
        """ "" once the worker has found its place and read what it is to train, or an error in plain words."""
        try:
            self._work = Work(self._packed, self._device)
        except Exception as error:
            return write_error(error)
        return ""

    def train(self, shard: str) -> tuple[str, str, dict[str, bytes]]:
        """("", outcomes, weights) or (an error in plain words, "", {})."""
        assert self._work is not None
        try:
            return "", *self._work.train(shard)
        except Exception as error:
            return write_error(error), "", {}


class ActorPool:
    """See Machines. Only a worker that has found its place is given a shard: a dead machine may never come back."""

    def __init__(self, trainer: Trainer, ray: Any, n_workers: int, device: str) -> None:
        self._trainer, self._ray, self._n_workers, self._device = trainer, ray, n_workers, device
        self._todo: deque[Shard] = deque()
        self._starting: dict[Any, Any] = {}  # the word to come -> who gives it
        self._idle: list[Any] = []
        self._at_work: dict[
            Any, tuple[Any, Shard, float]
        ] = {}  # the answer to come -> who gives it, to what, since when
        self._patience = Patience()
        self._packed: Any = None
        self._n_refused, self._heard = 0, 0.0

    def submit(self, shard: Shard) -> None:
        if self._packed is None:
            self._packed = self._ray.put(pack(self._trainer, elsewhere=True))
        self._todo.append(shard)
        self._hand_out()

    def results(self) -> Iterator[tuple[Shard, Trained]]:
        self._heard = time.monotonic()
        while self._at_work or self._todo:
            self._hand_out()
            ready, _ = self._ray.wait([*self._at_work, *self._starting], num_returns=1, timeout=LOOK_EVERY_S)
            if not ready:
                self._trainer.progress.advance(0)
                self._look_round()
                continue
            self._heard = time.monotonic()
            if ready[0] in self._starting:
                self._welcome(ready[0])
                continue
            actor, shard, begun = self._at_work.pop(ready[0])
            try:
                error, outcomes, weights = self._ray.get(ready[0])
            except self._ray.exceptions.RayError:
                self._trainer.progress.say(self._patience.lost(shard, "a worker of the cluster was lost"))
                self._todo.append(shard)
                continue
            self._idle.append(actor)
            if error:
                raise read_error(error, "a worker of the cluster")
            self._patience.note(shard, begun)
            self._trainer.progress.advance(shard.cost)
            yield shard, answer_of(outcomes, weights)

    def cancel(self) -> None:
        for actor in [*self._idle, *self._starting.values(), *(actor for actor, _, _ in self._at_work.values())]:
            self._ray.kill(actor)
        self._idle, self._starting, self._at_work, self._packed = [], {}, {}, None
        self._todo.clear()

    def _hand_out(self) -> None:
        """Shards to whoever is free; more workers are asked for where there are more shards."""
        while self._todo and self._idle:
            actor, shard = self._idle.pop(), self._todo.popleft()
            self._at_work[actor.train.remote(write_shard(shard))] = (actor, shard, time.monotonic())
        wanted = min(len(self._todo), self._n_workers - len(self._at_work) - len(self._idle))
        for _ in range(wanted - len(self._starting)):
            worker = self._ray.remote(max_restarts=0, **needs_of(self._device))(Actor)
            actor = worker.remote(self._packed, self._device)
            self._starting[actor.begin.remote()] = actor

    def _welcome(self, word: Any) -> None:
        """A worker has found its place, or could not begin."""
        actor = self._starting.pop(word)
        try:
            error = self._ray.get(word)
        except self._ray.exceptions.RayError as failure:
            self._n_refused += 1
            if self._n_refused < MOST_DEATHS:
                return
            raise MachineError(
                where="machines",
                seen=f"{MOST_DEATHS} workers of the cluster could not begin ({' '.join(str(failure).split())[-300:]})",
                needed="a worker that starts was needed",
                consequence="Finished rungs are safe in the study's folder.",
                repair='On every machine of the cluster: pip install "steepest[ray]", and what your model imports.',
            ) from failure
        if error:
            raise read_error(error, "a worker of the cluster")
        self._n_refused = 0
        self._idle.append(actor)

    def _look_round(self) -> None:
        """Workers that hang are ended; that nobody finds a place is told."""
        for actor, shard, begun in self._at_work.values():
            if self._patience.has_ended(shard, begun):
                self._ray.kill(actor)
        if not self._at_work and time.monotonic() - self._heard > PATIENCE_S:
            raise MachineError(
                where="machines",
                seen=f"the cluster had no place for a worker for {PATIENCE_S / 60:.0f} minutes",
                needed="one free core was needed",
                consequence="Finished rungs are safe in the study's folder.",
                repair="ray status shows what holds it; steepest resume goes on, on these machines or others.",
            )
