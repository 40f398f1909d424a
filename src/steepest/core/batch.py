"""What stands between a caller's tensors and a loss body: the options, which items are alive, and the batch that the body sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from . import accept
from .errors import UsageError

IgnoreIndex = int | float | Sequence[int] | None


@dataclass(frozen=True)
class Options:
    """What a caller says about the items of a batch."""

    weight: Tensor | None = None
    mask: Tensor | None = None
    class_weight: Tensor | None = None
    ignore_index: IgnoreIndex = None
    smoothing: float | Tensor = 0.0

    @property
    def is_smoothed(self) -> bool:
        return isinstance(self.smoothing, Tensor) or self.smoothing != 0.0


@dataclass(frozen=True)
class Live:
    """The aligned weight of the items; present: neither masked nor ignored; alive: present, of nonzero weight. None: all."""

    weight: Tensor | None
    present: Tensor | None
    alive: Tensor | None


@dataclass(frozen=True)
class Batch:
    """What a kind of target makes of a batch: the input and the target for the body, and how much each item counts.

    factor: class weights of the items that are already inside the body's values, so only the denominator needs them.
    """

    input: Tensor
    target: Any
    live: Live
    factor: Tensor | None = None


def ignored(y: Tensor, ignore_index: IgnoreIndex) -> Tensor | None:
    """Where the target is the ignored number, or one of several."""
    if ignore_index is None:
        return None
    several = ignore_index if isinstance(ignore_index, Sequence) else (ignore_index,)
    hit = torch.zeros((), dtype=torch.bool, device=y.device)
    for value in several:
        hit = hit | (y == value)
    return hit


def both(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    """True where both are; None stands for all."""
    return b if a is None else a if b is None else a & b


def liveness(where: str, shape: torch.Size, options: Options, left_out: Tensor | None) -> Live:
    """Who counts among items of this shape; left_out: those with an ignored target."""
    weight = accept.accept_left_aligned(where, "weight", options.weight, shape)
    mask = accept.accept_left_aligned(where, "mask", options.mask, shape)
    if mask is not None and mask.dtype != torch.bool:
        raise UsageError(
            where=where,
            seen=f"mask is {mask.dtype}",
            needed="a boolean mask was needed: True keeps an item",
            repair="mask.bool() converts; fractions belong into weight.",
        )
    present = both(mask, None if left_out is None else ~left_out)
    if weight is None or options.weight is None:
        return Live(None, present, present)
    accept.accept_nonnegative(where, "weight", options.weight)  # as it was given, so that the place is told as given
    return Live(weight, present, both(present, weight != 0))
