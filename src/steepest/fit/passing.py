"""How a batch passes through a model: whole or in pieces, in a memory format, in the mode that the model has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from .batches import Batch, leaves, mapped


def called(model: nn.Module, inputs: Any) -> Any:
    """The model's output: several inputs go in as arguments, named ones by name."""
    if isinstance(inputs, Tensor):
        return model(inputs)
    return model(**inputs) if isinstance(inputs, dict) else model(*inputs)


def pieces(batch: Batch, n: int) -> Iterator[Batch]:
    """The batch in n pieces of nearly equal size; fewer where one would be a single row (BatchNorm)."""
    if batch.n_rows == 0:
        yield batch
        return
    n = max(1, min(n, batch.n_rows // 2))
    edges = [batch.n_rows * i // n for i in range(n + 1)]
    for start, end in zip(edges, edges[1:]):
        parts = (mapped(lambda t: t[start:end], part) for part in (batch.inputs, batch.target, batch.weight))
        # noqa: B023
        yield Batch(*parts, end - start)


def alone(model: nn.Module) -> nn.Module:
    """The model itself: one in DistributedDataParallel would sum the gradients that are summed here."""
    return model.module if isinstance(model, nn.parallel.DistributedDataParallel) else model


def uncounted(batch: Batch, takes_weights: bool) -> Batch:
    """A batch that passes through for nothing, where other processes need this one to gather a sharded model."""
    weight = leaves(batch.inputs)[0].new_zeros(batch.n_rows, dtype=torch.get_default_dtype())
    return Batch(batch.inputs, batch.target, weight if takes_weights else None, 0)


def modes_of(model: nn.Module) -> list[tuple[nn.Module, bool]]:
    return [(module, module.training) for module in model.modules()]


def put_modes_back(modes: list[tuple[nn.Module, bool]]) -> None:
    for module, is_training in modes:
        module.training = is_training
