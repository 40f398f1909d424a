"""One step of a recorded rule, block by block: what the optimizer and the stacked step have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from .program import Program

Block = tuple[slice, ...]

# Bytes of a block in each tensor. On a CPU smaller blocks cost more in calls than they gain in cache (bench/step.py);
# on an accelerator larger ones would, with eight scratch tensors, exceed the 64 MB that a step may add.
CPU_BLOCK_BYTES = 2**21
ACCELERATOR_BLOCK_BYTES = 2**23


def blocks(like: Tensor) -> Iterator[Block]:
    """Indices that cut a tensor into blocks, along its first axes; () is all of it."""
    limit = CPU_BLOCK_BYTES if like.device.type == "cpu" else ACCELERATOR_BLOCK_BYTES
    return cut(like.shape, limit // like.element_size())


def cut(shape: torch.Size, limit: int) -> Iterator[Block]:
    """Indices of near-equal blocks of at most `limit` elements.

    >>> list(cut(torch.Size([4, 10]), 20))
    [(slice(0, 2, None),), (slice(2, 4, None),)]
    >>> list(cut(torch.Size([4, 10]), 40))
    [()]
    """
    if shape.numel() <= limit:
        yield ()
        return
    rows_that_fit = max(1, limit // shape[1:].numel())
    n_blocks = -(-shape[0] // rows_that_fit)
    rows = -(-shape[0] // n_blocks)
    for start in range(0, shape[0], rows):
        for rest in cut(shape[1:], limit):
            yield (slice(start, min(start + rows, shape[0])), *rest)


class Scratch:
    """Memory for intermediate results, used again from block to block and from step to step."""

    def __init__(self) -> None:
        self._flat: dict[tuple[torch.device, torch.dtype, int], Tensor] = {}

    def like(self, block: Tensor, n: int) -> list[Tensor]:
        """n tensors of the block's shape, dtype and device, with anything in them."""
        return [self._one(block, i)[: block.numel()].view(block.shape) for i in range(n)]

    def _one(self, block: Tensor, i: int) -> Tensor:
        key = (block.device, block.dtype, i)
        found = self._flat.get(key)
        if found is None or found.numel() < block.numel():
            found = self._flat[key] = torch.empty(block.numel(), dtype=block.dtype, device=block.device)
        return found


def apply_block(program: Program, values: dict[str, Any], decay: str, scratch: Scratch) -> None:
    """Move param and the states of one block by one step, in place.

    values: param, grad, the states, and program.used_numbers as floats or as columns (K, 1) of its dtype. Among them
    "decay": the weight decay where decay is "coupled", the factor that shrinks param where it is "decoupled".
    """
    param, grad = values["param"], values["grad"]
    *own, spare = scratch.like(param, program.n_scratch + 1)
    if decay == "coupled" and isinstance(values["decay"], Tensor):
        values["grad"] = torch.addcmul(grad, param, values["decay"], out=spare)
    elif decay == "coupled":
        values["grad"] = torch.add(grad, param, alpha=values["decay"], out=spare)
    elif decay == "decoupled":
        param.mul_(values["decay"])
    program.run(values, own)
