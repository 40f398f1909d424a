"""A whole model that is trained in shards (fit(..., shard=True)): its weights are lent to a twin, and come back."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed, nn

from .ranks import ranks_of
from .setup import Setup
from .shards import is_sharded, load_weights, own, reshard, sharded_modules, whole
from .stepping import optimizer_of

BLOCK_NUMBERS = 100_000
"""Parameters of an element of a ModuleList or Sequential that is gathered by itself; smaller ones are with the rest."""

WAIT = timedelta(seconds=10)
"""After an error, for the other processes to have one too."""


@contextmanager
def in_shards(setup: Setup, asked: Mapping[str, Any]) -> Iterator[Setup]:
    """The setup to run: of the twin where `shard` is asked for and there are several processes.

    Afterwards the model holds the weights, whole, in every process.
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
        with _lent(setup.model, twin):
            optimizer, _ = optimizer_of(asked["optimizer"], twin, asked["learning_rate"])
            compiled: Any = None if setup.compiled is None else torch.compile(twin)
            yield replace(setup, model=twin, optimizer=optimizer, compiled=compiled)


@contextmanager
def _lent(model: nn.Module, twin: nn.Module) -> Iterator[None]:
    """Inside, only the twin has weights. After an error of all processes they come back as well; after one of some,
    the parts that those hold are lost, and the model stays empty.
    """
    apart = distributed.new_group(backend="gloo")  # an error may leave something under way among all
    shapes = [(p, p.shape) for p in model.parameters()]
    for parameter, _ in shapes:
        parameter.data = parameter.data.new_empty(0)

    def give_back(weights: Mapping[str, Tensor]) -> None:
        for parameter, shape in shapes:
            parameter.data = parameter.data.new_empty(shape)
        load_weights(model, weights)

    try:
        yield
    except BaseException:
        with suppress(RuntimeError):
            distributed.monitored_barrier(apart, timeout=WAIT)
            reshard(twin)
            give_back({name: _gathered(value, apart) for name, value in twin.state_dict().items()})
        raise
    reshard(twin)
    give_back(whole(twin.state_dict()))


def _gathered(value: Any, group: Any) -> Tensor:
    """A whole tensor of the shards, which lie along its first axis."""
    if not is_sharded(value):
        return value
    parts: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(parts, own(value).cpu(), group)
    return torch.cat(parts)


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
