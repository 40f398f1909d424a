"""Accumulate: one step for the mean gradient of several calls, as if their batches had been one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.domains import Count
from steepest.core.transform import transform


def is_due(t: int, *, every: int) -> bool:
    return t % every == 0


@transform(
    acts_on="gradient",
    use="Batches larger than the memory holds.",
    avoid="The batch fits: fewer, larger steps learn less per pass over the data unless the learning rate grows.",
    source="optax.MultiSteps; a mean over calls counts each batch alike, whatever its size",
    due=is_due,
)
def accumulate(grad: Tensor, mean: Tensor, *, t: Any, every: Count = 4) -> tuple[Tensor, Tensor]:
    """The rule steps at each call whose number `every` divides; what stands before this one sees every call."""
    n = (t - 1) % every + 1
    mean = torch.lerp(mean, grad, 1 / n)
    return mean, mean
