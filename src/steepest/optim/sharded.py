"""Parameters that lie in shards over processes (torch's DTensor): each process moves its own shard by single elements.

A rule, or a transform, that looks at whole tensors or at the whole model would see a part of them: it is refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from steepest.core.declare import Rule
from steepest.core.errors import Unsupported

from .chain import Chain

Options = dict[str, Any]


def are_sharded(params: Iterable[Any]) -> bool:
    """Some of them are. By their names: importing what makes shards takes a second that others need not wait for."""
    return any(hasattr(param, "device_mesh") for param in params)


def accept_shards(rule: Rule, chain: Chain) -> None:
    """Refuse what a shard alone cannot tell."""
    if rule.looks_at != "elementwise" or rule.solo_only:
        raise Unsupported(
            where=rule.class_name,
            seen="the parameters are sharded over processes (fully_shard)",
            needed=f"whole parameters were needed: {rule.name} looks at more than single elements",
            consequence="Each process would take its shard for the whole.",
            repair="Take AdamW, NAdamW, SGD, Lion or another rule of single elements; or train unsharded.",
        )
    for link in chain.links:
        transform = link.transform
        if transform.looks_at != "elements" or "norm" in transform.takes or transform.acts_on == "point":
            raise Unsupported(
                where=rule.class_name,
                seen=f"{transform.name} and parameters that are sharded over processes (fully_shard)",
                needed=f"whole gradients were needed: {transform.name} looks at more than single elements",
                consequence="Each process would take its shard for the whole.",
                repair="clip_norm=1.0 of fit, or torch.nn.utils.clip_grad_norm_, clips over all shards."
                if transform.name == "clip_norm"
                else "Leave it out, or train unsharded.",
            )


@contextmanager
def own_shards(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Inside, groups, gradients and states are those of this process's shards, as plain tensors.

    Afterwards new states are shards as their parameters are, as what saves a sharded optimizer expects.
    """
    groups, whole = optimizer.param_groups, optimizer.state
    held = [group["params"] for group in groups]
    own: defaultdict[Any, Options] = defaultdict(dict)
    for group, params in zip(groups, held):
        group["params"] = [_own(param) for param in params]
        for param, shard in zip(params, group["params"]):
            if param in whole:
                own[shard] = {name: _shard(value) for name, value in whole[param].items()}
    optimizer.state = own
    try:
        yield
    finally:
        optimizer.state = whole
        for group, params in zip(groups, held):
            for param, shard in zip(params, group["params"]):
                if param is not shard:
                    shard.grad = None
                if shard in own:
                    _keep(whole[param], own[shard], param)
            group["params"] = params


def _own(param: Tensor) -> Tensor:
    if not are_sharded([param]):
        return param
    shard = _shard(param.detach())
    shard.grad = None if param.grad is None else _shard(param.grad)
    return shard


def _shard(value: Any) -> Any:
    return value.to_local().detach() if hasattr(value, "device_mesh") else value


def _keep(whole: Options, own: Options, param: Any) -> None:
    """The states after a step; a tensor that is no single number lies as its parameter does."""
    for name in set(whole) - set(own):
        del whole[name]
    for name, value in own.items():
        before = whole.get(name)
        if not isinstance(value, Tensor) or value.dim() == 0:
            whole[name] = value
        elif not hasattr(before, "device_mesh") or _shard(before).data_ptr() != value.data_ptr():
            whole[name] = _as_sharded(value, param)


def _as_sharded(value: Tensor, param: Any) -> Any:
    if not are_sharded([param]):
        return value
    mesh, places = param.device_mesh, param.placements
    return type(param).from_local(value, mesh, places, run_check=False, shape=param.shape, stride=param.stride())
