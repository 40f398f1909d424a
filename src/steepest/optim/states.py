"""What an optimizer remembers of a parameter: how each state of the rule begins, and how its steps are counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from steepest.core.declare import Rule

from .tensors import state_shape

Options = dict[str, Any]


def state_of(
    held: Mapping[Tensor, Options],
    param: Tensor,
    rule: Rule,
    settings: Options,
    *,
    counts: bool,
    device: torch.device,
) -> tuple[Options, bool]:
    """The parameter's state, and whether it has just been made; what a checkpoint lacks has its starting value.

    held: an optimizer's states. counts: whether it keeps a step count; device: of the counts and scalar states.
    """
    states = rule.states_with(settings)
    if not states and not counts:
        return {}, True
    state = held[param]
    is_new = not all(name in state for name in states if state_shape(rule, name, param.shape, settings) is not None)
    if counts and "step" not in state:
        state["step"] = torch.zeros((), dtype=count_dtype(), device=device)
    for name in states:
        if state.get(name) is None:
            value = _start_of(name, param, rule, settings, device)
            if value is not None:
                state[name] = value
    return state, is_new


def _start_of(name: str, param: Tensor, rule: Rule, settings: Options, device: torch.device) -> Tensor | None:
    start = rule.initial.get(name, 0.0)
    if start == "param":
        return param.detach().clone(memory_format=torch.preserve_format)
    value = settings[start] if isinstance(start, str) else start
    if name in rule.scalar_states:
        return torch.as_tensor(value, dtype=torch.float64, device=device).detach().clone()
    shape = state_shape(rule, name, param.shape, settings)
    if shape is None:
        return None
    filled = complex(value, value) if param.is_complex() else value
    if shape != param.shape:
        return torch.full(shape, filled, dtype=param.dtype, device=param.device)
    return torch.full_like(param, filled, memory_format=torch.preserve_format, requires_grad=False)


def raise_counts(counts: list[Tensor]) -> None:
    """Each count one more."""
    if counts and all(count.is_cpu for count in counts):
        # A tensor, and alpha lest torch take it for a number: 60 counts in 23 us instead of 100.
        torch._foreach_add_(counts, torch.ones_like(counts[0]), alpha=1.0)
    elif counts:
        torch._foreach_add_(counts, 1)


def count_dtype() -> torch.dtype:
    """Of step counts: torch's choice."""
    return torch.float64 if torch.get_default_dtype() == torch.float64 else torch.float32
