"""The numbers that a rule runs with: defaults filled in, each held against its domain, single or one per trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from steepest.core.declare import Rule
from steepest.core.domains import Counts, Domain, Interval, OneOf, check_value
from steepest.core.errors import UsageError, did_you_mean

WEIGHT_DECAY = Interval(low=0.0)


def accept_settings(rule: Rule, given: Mapping[str, Any]) -> dict[str, Any]:
    """All hyperparameters and weight_decay by name. None stands for the default; tensors are read, value by value."""
    known = {**{h.name: h.domain for h in rule.hyper.values()}, "weight_decay": WEIGHT_DECAY}
    settings = {**{h.name: h.default for h in rule.hyper.values()}, "weight_decay": rule.weight_decay}
    for name, value in given.items():
        if name not in known:
            raise UsageError(
                where=rule.name,
                seen=f"there is no argument {name!r}",
                needed="a declared argument was needed",
                repair=did_you_mean(name, known),
            )
        if value is not None:
            _check_each(rule.name, name, value, known[name])
            settings[name] = value
    if rule.decay == "none":
        _refuse_decay(rule, settings["weight_decay"])
    return settings


def static_of(rule: Rule, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The hyperparameters that all trials of a step share, as plain values."""
    found = {}
    for name in rule.static:
        value = settings[name]
        if isinstance(value, Tensor):
            values = set(value.flatten().tolist())
            if len(values) > 1:
                raise UsageError(
                    where=rule.name,
                    seen=f"{name} has the values {sorted(values)}",
                    needed="one value for all trials that step together was needed",
                    repair="Give each value a StackedRule of its own, as st.Population does.",
                )
            (number,) = values
            value = _plain(number, rule.hyper[name].domain)
        found[name] = value
    return found


def _check_each(where: str, name: str, value: Any, domain: Domain | None) -> None:
    if not isinstance(value, Tensor):
        check_value(where, name, value, domain)
        return
    for place, number in enumerate(value.detach().flatten().tolist()):
        check_value(where, name if value.dim() == 0 else f"{name}[{place}]", _plain(number, domain), domain)


def _plain(number: float, domain: Domain | None) -> float | int | bool:
    """A tensor holds flags and counts as numbers: 1.0 is True where flags are asked for."""
    if isinstance(domain, OneOf) and number in (0, 1):
        return bool(number)
    return int(number) if isinstance(domain, Counts) and float(number).is_integer() else number


def _refuse_decay(rule: Rule, weight_decay: float | Tensor) -> None:
    if bool((torch.as_tensor(weight_decay) != 0).any()):
        raise UsageError(
            where=rule.name,
            seen="weight_decay is not 0",
            needed=f"{rule.name} has no weight decay",
            repair="Leave weight_decay out.",
        )
