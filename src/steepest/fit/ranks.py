"""Several processes train one run (torchrun): each takes its rows of every batch, and all end with the same weights.

Numerators and denominators are summed over the processes before anything is divided, so uneven shares, weights and
ignored targets give the gradient of the whole batch, as one process would compute it. Batch statistics are those of each
process's own rows, as in DistributedDataParallel.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, distributed

from .batches import Batch, mapped
from .shards import is_sharded


class Ranks:
    """The processes of a run. `size` is 1 where there is one, and then nothing here does anything."""

    def __init__(self, rank: int = 0, size: int = 1, device: torch.device | None = None) -> None:
        self.rank, self.size, self._device = rank, size, device

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def share(self, batch: Batch) -> Batch | None:
        """This process's rows of a batch that all processes hold; None where it has none."""
        if self.size == 1:
            return batch
        start, end = (batch.n_rows * at // self.size for at in (self.rank, self.rank + 1))
        if start == end:
            return None
        inputs, target, weight = (mapped(lambda t: t[start:end], part) for part in batch[:3])
        return Batch(inputs, target, weight, end - start)

    def n_rows(self, share: Batch | None) -> float:
        """Of the batch that the processes have shares of."""
        return self.summed(torch.tensor(0.0 if share is None else float(share.n_rows))).item()

    def summed(self, numbers: Tensor) -> Tensor:
        if self.size == 1:
            return numbers
        there = numbers.to(self._device)  # nccl sums nothing that lies on the processor
        distributed.all_reduce(there)
        return there.to(numbers.device)

    def gathered(self, value: Any) -> list[Any]:
        """The value of each process, in their order."""
        if self.size == 1:
            return [value]
        found: list[Any] = [None] * self.size
        distributed.all_gather_object(found, value)
        return found

    def from_first(self, value: Any) -> Any:
        """The first process's value."""
        if self.size == 1:
            return value
        held = [value]
        distributed.broadcast_object_list(held, src=0)
        return held[0]

    def take_over(self, tensors: Sequence[Tensor]) -> None:
        """Parameters or buffers as the first process has them."""
        for tensor in tensors if self.size > 1 else ():
            if not is_sharded(tensor):  # each process has its own shard
                distributed.broadcast(tensor.detach(), src=0)


_MEETINGS = itertools.count()


@functools.cache
def _store() -> Any:
    """Where the processes find each other. One for all runs of a program: a second would find traces of the first."""
    from torch.distributed.rendezvous import rendezvous

    return next(rendezvous("env://"))[0]


@contextmanager
def ranks_of(device: torch.device) -> Iterator[Ranks]:
    """The processes that torchrun started, or that the caller has joined already; one where there are no others."""
    if distributed.is_available() and distributed.is_initialized():
        yield Ranks(distributed.get_rank(), distributed.get_world_size(), device)
    elif int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ:
        ranks = Ranks(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), device)
        store = distributed.PrefixStore(f"steepest/{next(_MEETINGS)}", _store())
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"  # what is no tensor travels by gloo
        distributed.init_process_group(backend, store=store, rank=ranks.rank, world_size=ranks.size)
        try:
            yield ranks
            distributed.barrier()  # none leaves while another waits for what it sent
        finally:
            distributed.destroy_process_group()
    else:
        yield Ranks()
