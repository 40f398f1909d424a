"""What a rule remembers, counted from its declaration: the numbers that its states hold for a parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from steepest.core.declare import Rule

from .tensors import state_shape


def numbers_kept(rule: Rule, shape: tuple[int, ...], settings: Mapping[str, Any] | None = None) -> int:
    """The numbers in all states of a parameter of this shape; the few of the whole model are not among them.

    settings: hyperparameters that are not at their defaults.
    """
    given = {**{name: hyper.default for name, hyper in rule.hyper.items()}, **(settings or {})}
    names = [name for name in rule.states_with(given) if name not in rule.scalar_states]
    shapes = [state_shape(rule, name, torch.Size(shape), given) for name in names]
    return sum(found.numel() for found in shapes if found is not None)


def memory_in_words(rule: Rule) -> str:
    """For readers: numbers and bytes in float32 for each weight, of a matrix and of a vector where they differ."""
    if rule.solo_only and not rule.states:
        return "what torch's own class keeps"
    matrix, vector = numbers_kept(rule, (512, 512)) / 512**2, numbers_kept(rule, (512,)) / 512
    if matrix != vector:
        return f"of a 512 x 512 matrix {_each(matrix)}; of a vector {_each(vector)}"
    options = dict.fromkeys(rule.only_with.values())
    more = [
        f"; {n:g} more with {option}"
        for option in options
        if (n := numbers_kept(rule, (512,), {option: 0.5}) / 512 - vector)
    ]
    return (_each(vector) if vector else "nothing beside the parameters") + "".join(more)


def _each(n: float) -> str:
    return f"{n:.3g} number{'' if n == 1 else 's'} for each parameter, {4 * n:.3g} bytes in float32"
