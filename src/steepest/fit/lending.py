"""A whole model that is trained in shards (fit(..., shard=True)): its weights are lent to a twin, and come back."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import distributed, nn

from .ranks import ranks_of
from .setup import Setup
from .shards import load_weights, reshard, sharded_modules, whole
from .stepping import optimizer_of

BLOCK_NUMBERS = 100_000
"""Parameters of an element of a ModuleList or Sequential that is gathered by itself; smaller ones are with the rest."""


@contextmanager
def in_shards(setup: Setup, asked: Mapping[str, Any]) -> Iterator[Setup]:
    """The setup to run: of the twin where `shard` is asked for and there are several processes.

    Afterwards the model holds the weights, whole, in every process; after an error it is empty.
    """
    if not asked["shard"] or sharded_modules(setup.model):
        yield setup
        return
    with ranks_of(setup.device) as ranks:
        if ranks.size == 1:
            yield setup
            return
        ranks.take_over([*setup.model.parameters(), *setup.model.buffers()])
        twin = sharded_twin(setup.model, setup.device)
        shapes = [(p, p.shape) for p in setup.model.parameters()]
        for parameter, _ in shapes:
            parameter.data = parameter.data.new_empty(0)
        optimizer, _ = optimizer_of(asked["optimizer"], twin, asked["learning_rate"])
        compiled: Any = None if setup.compiled is None else torch.compile(twin)
        yield replace(setup, model=twin, optimizer=optimizer, compiled=compiled)
        reshard(twin)
        weights = whole(twin.state_dict())
        for parameter, shape in shapes:
            parameter.data = parameter.data.new_empty(shape)
        load_weights(setup.model, weights)


def sharded_twin(model: nn.Module, device: torch.device) -> nn.Module:
    """The same model in shards over all processes. It is made of the same parameters: never a second copy of all."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(device.type, (distributed.get_world_size(),))
    twin = copy.deepcopy(model, {id(p): p for p in model.parameters()})
    for block in blocks_of(twin):
        fully_shard(block, mesh=mesh)
    fully_shard(twin, mesh=mesh)
    return twin


def blocks_of(model: nn.Module) -> list[nn.Module]:
    """Elements of ModuleLists and Sequentials that are large enough to be gathered by themselves, inner ones first."""
    lists = [module for module in model.modules() if isinstance(module, (nn.ModuleList, nn.Sequential))]
    blocks = dict.fromkeys(block for one in lists for block in one.children())
    large = [block for block in blocks if sum(p.numel() for p in block.parameters()) >= BLOCK_NUMBERS]
    return [block for block in reversed(large) if not isinstance(block, (nn.ModuleList, nn.ModuleDict))]
