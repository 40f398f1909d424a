"""A model in shards over processes: torch's fully_shard (FSDP2), applied by the user, or here to a model that is whole.

Weights, gradients and the optimizer's states lie in shards; a layer is whole only while it is passed through. All that
leaves the run (checkpoints, the model's file) is gathered first, so that it is what one process would have written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, distributed, nn

from steepest.core.errors import ModelError


def sharded_modules(model: nn.Module) -> list[Any]:
    """Those that fully_shard was applied to. By name: importing it takes a second that others need not wait for."""
    return [module for module in model.modules() if hasattr(module, "set_requires_gradient_sync")]


def is_sharded(value: Any) -> bool:
    return hasattr(value, "device_mesh")


def accept_shards(model: nn.Module) -> None:
    """Refuse shards that are not those of fully_shard over all processes."""
    if any(type(module).__name__ == "FullyShardedDataParallel" for module in model.modules()):
        raise ModelError(
            where=type(model).__name__,
            seen="it is wrapped in FullyShardedDataParallel, torch's first FSDP",
            needed="a model that torch.distributed.fsdp.fully_shard was applied to was needed",
            repair="Pass the model itself with shard=True, or apply fully_shard to it.",
        )
    reshard(model)
    shards: list[Any] = [p for p in model.parameters() if is_sharded(p)]
    meshes = {shard.device_mesh for shard in shards}
    if not meshes:
        return
    n_processes = distributed.get_world_size()
    if not sharded_modules(model) or any(mesh.ndim != 1 or mesh.size() != n_processes for mesh in meshes):
        raise ModelError(
            where=type(model).__name__,
            seen=f"its parameters lie on {', '.join(str(mesh) for mesh in meshes)}, {n_processes} processes",
            needed="shards of fully_shard, along one axis over all processes, were needed",
            consequence="Each process would take other rows, and gradients would not be summed over all of them.",
            repair='fully_shard(model, mesh=init_device_mesh("cpu", (n_processes,))), or shard=True of a whole model.',
        )


def reshard(model: nn.Module) -> None:
    """Every layer in its shards: what was gathered is let go, so that changed weights are seen."""
    for module in sharded_modules(model):
        module.reshard()


# -- whole values and shards of them -----------------------------------------------------------------------------------


def own(value: Any) -> Tensor:
    """What of a tensor is in this process; changing it in place changes the tensor."""
    local: Tensor = value.detach().to_local().detach() if is_sharded(value) else value.detach()
    return local


def whole(tree: Any, is_kept: bool = True) -> Any:
    """The tree with every shard gathered, on the processor. All processes must ask, those too that keep nothing."""
    if is_sharded(tree):
        gathered = tree.detach().full_tensor()
        return gathered.cpu() if is_kept else None
    if isinstance(tree, Mapping):
        return {key: whole(value, is_kept) for key, value in tree.items()}
    if isinstance(tree, (tuple, list)):
        return type(tree)(whole(value, is_kept) for value in tree)
    return tree


def shard_of(value: Any, like: Any) -> Any:
    """A whole tensor, as another one is sharded; as it is where that one is whole too."""
    if not is_sharded(like) or is_sharded(value):
        return value
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(value.to(like.device), like.device_mesh, like.placements, src_data_rank=None)


def load_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Whole weights or shards of them."""
    model.load_state_dict(as_shards(weights, model))


def as_shards(weights: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Whole weights by name, as the model holds them."""
    there = model.state_dict()
    return {name: shard_of(value, there.get(name)) for name, value in weights.items()}


def shard_states(optimizer: torch.optim.Optimizer) -> None:
    """States of sharded parameters that were loaded whole become shards."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            state = optimizer.state.get(parameter, {}) if is_sharded(parameter) else {}
            for name, value in state.items():
                if isinstance(value, Tensor) and value.shape == parameter.shape:
                    state[name] = shard_of(value, parameter)
