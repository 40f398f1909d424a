"""Several processes train one run (torchrun): each takes its rows of every batch, and all end with the same weights.

Numerators and denominators are summed over the processes before anything is divided, so uneven shares, weights and
ignored targets give the gradient of the whole batch, as one process would compute it. Batch statistics are those of each
process's own rows, as in DistributedDataParallel.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, distributed, nn

from .batches import Batch, mapped
from .shards import is_sharded

BUCKET_NUMBERS = 6 * 2**20
"""Gradients that travel together: 24 MB in float32."""


class Ranks:
    """The processes of a run. `size` is 1 where there is one, and then nothing here does anything."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

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
        parts = [mapped(lambda t: t[start:end], part) for part in (batch.inputs, batch.target, batch.weight)]
        return Batch(*parts, end - start)

    def summed(self, numbers: Tensor) -> Tensor:
        if self.size > 1:
            distributed.all_reduce(numbers)
        return numbers

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

    def sum_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Each parameter's gradient summed over the processes; None where no process has one. Shards' are already."""
        asked = [p for p in parameters if p.requires_grad and not is_sharded(p)]
        if self.size == 1 or not asked:
            return
        has_one = self.summed(torch.tensor([float(p.grad is not None) for p in asked], device=asked[0].device))
        for bucket in _buckets([p for p, n in zip(asked, has_one.tolist()) if n > 0]):
            flat = torch.cat([_gradient(p).flatten() for p in bucket])
            distributed.all_reduce(flat)
            for parameter, part in zip(bucket, flat.split([p.numel() for p in bucket])):
                _gradient(parameter).copy_(part.view_as(parameter))


def _gradient(parameter: nn.Parameter) -> Tensor:
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad


def _buckets(parameters: Sequence[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """Of one dtype and device each, about BUCKET_NUMBERS numbers."""
    bucket: list[nn.Parameter] = []
    for parameter in parameters:
        is_full = sum(p.numel() for p in bucket) + parameter.numel() > BUCKET_NUMBERS
        if bucket and (is_full or (bucket[0].dtype, bucket[0].device) != (parameter.dtype, parameter.device)):
            yield bucket
            bucket = []
        bucket.append(parameter)
    if bucket:
        yield bucket


@contextmanager
def ranks_of(device: torch.device) -> Iterator[Ranks]:
    """The processes that torchrun started, or that the caller has joined already; one where there are no others."""
    if distributed.is_available() and distributed.is_initialized():
        yield Ranks(distributed.get_rank(), distributed.get_world_size())
    elif int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        try:
            yield Ranks(distributed.get_rank(), distributed.get_world_size())
        finally:
            distributed.destroy_process_group()
    else:
        yield Ranks()
