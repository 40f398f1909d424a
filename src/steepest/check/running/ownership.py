"""Who knows a parameter: the model, an optimizer, or nobody."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from .place import is_users
from .record import OptimizerSeen, Run


@dataclass(frozen=True)
class Hidden:
    """Something trainable in an attribute that the module did not register."""

    owner: str
    name: str
    params: list[Tensor]
    count: int
    line: int


def hidden_modules(models: list[nn.Module]) -> Iterator[Hidden]:
    """Modules in lists, tuples and dictionaries of a model, unless they are registered elsewhere in it."""
    for model in models:
        known = {id(m) for m in model.modules()}
        for part in model.modules():
            if not _is_written_by_user(type(part)):
                continue
            for name, value in vars(part).items():
                if name in _OWN:
                    continue
                found = [m for m in _modules_in(value) if id(m) not in known]
                params: list[Tensor] = [p for m in found for p in m.parameters()]
                if params:
                    yield Hidden(type(part).__name__, name, params, len(found), _line_of(type(part), f"self.{name}"))


def _is_written_by_user(cls: type) -> bool:
    """A class of the program: libraries such as Keras keep account of their layers in their own way."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or cls.__module__
    return cls.__module__ == "__main__" or is_users(file)


def loose_tensors(models: list[nn.Module]) -> Iterator[Hidden]:
    """Tensors with gradients in plain attributes: leaves, or results of operations on a parameter."""
    for model in models:
        known = {id(p) for p in model.parameters()}
        for part in model.modules():
            for name, value in vars(part).items():
                tensors = [value] if isinstance(value, Tensor) else [t for t in _items(value) if isinstance(t, Tensor)]
                loose: list[Tensor] = [t for t in tensors if t.requires_grad and t.is_leaf and id(t) not in known]
                if name not in _OWN and loose and not isinstance(value, nn.Module):
                    yield Hidden(type(part).__name__, name, loose, len(loose), _line_of(type(part), f"self.{name}"))


def without_optimizer(run: Run) -> list[tuple[str, Tensor]]:
    """Leaves that several backward passes reach, that no optimizer holds and nobody changes by hand."""
    owned = {id(p) for o in run.optimizers for p in o.params}
    names = {id(p): n for m in run.models() for n, p in m.named_parameters()}
    inputs = {id(t) for c in run.calls for t in c.inputs}
    seen: dict[int, tuple[int, Tensor]] = {}
    for b in run.backwards:
        for leaf in b.leaves:
            seen[id(leaf)] = (seen.get(id(leaf), (0, leaf))[0] + 1, leaf)
    most = max((n for n, _ in seen.values()), default=0)
    missing = []
    for key, (n, leaf) in seen.items():
        persistent = n >= 2 and n >= 0.3 * most or (most == 1 and key in names)
        is_weight = isinstance(leaf, nn.Parameter) or key in names
        if (
            key not in owned
            and key not in inputs
            and persistent
            and is_weight
            and key not in run.loaded
            and not run.is_changed(leaf)
        ):
            missing.append((names.get(key, f"a tensor {tuple(leaf.shape)}"), leaf))
    return missing


def stale_in_optimizer(run: Run) -> list[OptimizerSeen]:
    """Optimizers with tensors that no model holds and no backward pass reaches."""
    known = {id(p) for m in run.models() for p in m.parameters()}
    reached = {id(t) for b in run.backwards for t in b.leaves}
    return [
        o
        for o in run.optimizers
        if o.steps and any(p.requires_grad and id(p) not in known and id(p) not in reached for p in o.params)
    ]


def _items(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())[:200]
    return list(value)[:200] if isinstance(value, (list, tuple)) else []


def _modules_in(value: Any, depth: int = 2) -> Iterator[nn.Module]:
    for item in _items(value):
        if isinstance(item, nn.Module):
            yield item
        elif depth:
            yield from _modules_in(item, depth - 1)


def _line_of(cls: type, text: str) -> int:
    try:
        lines, start = inspect.getsourcelines(cls)
    except (OSError, TypeError):
        return 0
    return next((start + i for i, line in enumerate(lines) if line.strip().startswith(text)), 0)


_OWN = frozenset(
    "_parameters _buffers _modules _backward_hooks _forward_hooks _forward_pre_hooks _state_dict_hooks _backward_pre_hooks "
    "_flat_weights _flat_weight_refs _all_weights".split()
)
