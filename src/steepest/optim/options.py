"""The arguments of an optimizer class: which it takes, in which order, and what it says to a wrong one.

A class that bears the name of torch's (`Adam`) takes torch's arguments, in torch's order and with torch's defaults, and
torch's own class is asked whether a value is allowed: what torch accepts is accepted, what torch refuses is refused in its
words. Every other class takes its rule's hyperparameters, each held against its domain.
"""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from steepest.core.declare import Rule
from steepest.core.errors import DomainError, SteepestError, UnknownArgument, Unsupported, UsageError, did_you_mean

from .settings import accept_settings

Options = dict[str, Any]
# What says how a step is computed, not what it is; None, or False, leaves the choice to us.
EXECUTION = {"foreach": None, "capturable": False, "differentiable": False, "fused": None}
# Options of torch's classes that choose another rule of ours.
VARIANTS = {"amsgrad": "amsgrad", "centered": "rmsprop_centered"}


@cache
def twin_of(rule: Rule) -> type[Optimizer] | None:
    """Torch's class of the same rule, whatever its name. Looked up once: someone may put ours in its place."""
    module, _, name = (rule.equals or "").rpartition(".")
    return getattr(torch.optim, name) if module == "torch.optim" else None


@dataclass(frozen=True)
class Interface:
    """What one class takes. namesake: torch's class of the same name, whose arguments these are, or None."""

    rule: Rule
    namesake: type[Optimizer] | None
    signature: inspect.Signature
    packs: Mapping[str, tuple[str, ...]]  # betas -> (beta1, beta2)

    # -- arguments -----------------------------------------------------------------------------------------------------

    def bind(self, args: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[Any, Options]:
        """(params, the options that were given) of a call; a part of a pack may be given by itself (beta1=0.8)."""
        loose = {name: named[name] for name in named if name in self._parts()}
        try:
            bound = self.signature.bind(*args, **{n: v for n, v in named.items() if n not in loose})
        except TypeError as error:
            unknown = next((n for n in named if n not in self.signature.parameters and n not in loose), None)
            known = [*self.signature.parameters, *self._parts()]
            raise UnknownArgument(
                where=self.rule.class_name,
                seen=f"there is no argument {unknown!r}" if unknown else str(error),
                needed=f"{self.rule.class_name}{self.signature} was needed",
                repair=did_you_mean(unknown, known) if unknown else "Positional arguments come in this order.",
            ) from None
        given = dict(bound.arguments)
        params = given.pop("params")
        return params, {**given, **loose}

    def defaults(self, given: Mapping[str, Any], base: Mapping[str, Any] | None = None) -> Options:
        """All options as a group keeps them, checked. What is not given comes from `base`, else it is the class's default."""
        plain = {**self.unpacked(base if base is not None else self._class_defaults()), **self.unpacked(given)}
        if self.namesake is not None:
            return self._of_namesake(plain)
        own = {name: value for name, value in plain.items() if name not in (*EXECUTION, "maximize")}
        settings = accept_settings(self.rule, own)
        for name, value in settings.items():
            if isinstance(value, Tensor) and value.numel() != 1:
                raise UsageError(
                    where=self.rule.class_name,
                    seen=f"Tensor {name} must be 1-element but has {value.numel()} values",
                    needed="an optimizer takes one number",
                    repair="For one per trial: steepest.optim.stacked.StackedRule, or st.Population for whole models.",
                )
        return {**self.packed(settings), **{n: plain[n] for n in ("maximize", *EXECUTION)}}

    def _of_namesake(self, plain: Options) -> Options:
        """The group that torch's class makes of these options, with our own beside; its refusal becomes ours."""
        assert self.namesake is not None
        wrong = next((name for name, value in plain.items() if not _is_finite(value)), None)
        if wrong is not None:  # which torch lets pass
            raise DomainError(
                where=self.rule.class_name,
                seen=f"{wrong} is {plain[wrong]}",
                needed="a finite number was needed",
                repair=self._ranges(),
            )
        packed = self.packed(plain)
        known = inspect.signature(self.namesake).parameters
        try:
            made = self.namesake([torch.zeros(1, 1)], **{n: v for n, v in packed.items() if n in known})
        except (ValueError, TypeError, RuntimeError) as refusal:
            raise self._as_ours(refusal, packed) from refusal
        extra = {name: value for name, value in packed.items() if name not in made.defaults}
        self.rule.check_hyper({n: v for n, v in extra.items() if n in self.rule.hyper})
        return {**made.defaults, **extra}

    def _as_ours(self, refusal: Exception, options: Options) -> SteepestError:
        kinds = {ValueError: DomainError, TypeError: UnknownArgument, RuntimeError: Unsupported}
        kind = next(ours for theirs, ours in kinds.items() if isinstance(refusal, theirs))
        trials = any(isinstance(value, Tensor) and value.numel() != 1 for value in options.values())
        return kind(
            where=self.rule.class_name,
            seen=str(refusal),
            needed=f"what torch.optim.{self.rule.class_name} accepts was needed",
            repair="For one per trial: steepest.optim.stacked.StackedRule." if trials else self._ranges(),
        )

    def _ranges(self) -> str:
        return "; ".join(f"{h.name}: {h.domain.explain()}" for h in self.rule.hyper.values() if h.domain) + "."

    def _class_defaults(self) -> Options:
        return {n: p.default for n, p in self.signature.parameters.items() if n != "params"}

    # -- groups --------------------------------------------------------------------------------------------------------

    @property
    def names(self) -> set[str]:
        """Every word that names an option of a group."""
        return {*self.signature.parameters, *self._parts(), *self.rule.hyper, "weight_decay"} - {"params"}

    def rule_of(self, group: Mapping[str, Any]) -> Rule:
        """The rule that a group steps by: an option of torch's may choose a variant."""
        for option, name in VARIANTS.items():
            if self.namesake is not None and group.get(option):
                return getattr(importlib.import_module(f"{__package__}.rules.{name}"), name)
        return self.rule

    def settings_of(self, rule: Rule, group: Mapping[str, Any]) -> Options:
        """The numbers of a group by the rule's names, tensors read."""
        plain = {"weight_decay": 0.0, **self.unpacked(group)}
        return {n: _number(plain[n]) for n in (*rule.hyper, "weight_decay") if n in plain}

    def unpacked(self, options: Mapping[str, Any]) -> Options:
        """Options with beta1, beta2, ... instead of betas."""
        plain = {name: value for name, value in options.items() if name not in self.packs}
        for name, parts in self.packs.items():
            if options.get(name) is not None:
                plain.update(zip(parts, options[name]))
        return plain

    def packed(self, options: Mapping[str, Any]) -> Options:
        """Options with betas instead of beta1, beta2, ..."""
        found = {name: value for name, value in options.items() if name not in self._parts()}
        for name, parts in self.packs.items():
            if all(part in options for part in parts):
                found[name] = tuple(options[part] for part in parts)
        return found

    def _parts(self) -> set[str]:
        return {part for parts in self.packs.values() for part in parts}


@cache
def interface_of(rule: Rule) -> Interface:
    """What the class of a rule takes."""
    twin = twin_of(rule)
    namesake = twin if twin is not None and twin.__name__ == rule.class_name else None
    betas = tuple(name for name in (f"beta{i}" for i in range(1, 9)) if name in rule.hyper)
    packs = {**({"betas": betas} if betas else {}), **rule.packs}
    make = _signature_of_namesake if namesake is not None else _signature_of_rule
    return Interface(rule, namesake, make(rule, packs), packs)


def _signature_of_namesake(rule: Rule, packs: Mapping[str, tuple[str, ...]]) -> inspect.Signature:
    """Torch's own arguments, then by keyword what only ours has."""
    twin = twin_of(rule)
    assert twin is not None
    taken = dict(inspect.signature(twin).parameters)
    own = {name: value for name, value in {"maximize": False, **_shown(rule, packs)}.items() if name not in taken}
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Signature([*taken.values(), *(inspect.Parameter(n, keyword, default=v) for n, v in own.items())])


def _signature_of_rule(rule: Rule, packs: Mapping[str, tuple[str, ...]]) -> inspect.Signature:
    """params, lr, betas, the other hyperparameters, weight_decay; by keyword what every optimizer takes."""
    options = _shown(rule, packs)
    if rule.decay != "none":
        options["weight_decay"] = rule.weight_decay
    plain, keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    words = [inspect.Parameter("params", plain)]
    words += [inspect.Parameter(name, plain, default=value) for name, value in options.items()]
    common = {"maximize": False, **EXECUTION}
    return inspect.Signature(words + [inspect.Parameter(n, keyword, default=v) for n, v in common.items()])


def _shown(rule: Rule, packs: Mapping[str, tuple[str, ...]]) -> Options:
    """The hyperparameters and their defaults as a caller sees them: lr, betas, then the others."""
    place = {part: name for name, parts in packs.items() for part in parts}
    options: Options = {"lr": rule.hyper["lr"].default}
    for hyper in sorted(rule.hyper.values(), key=lambda h: place.get(h.name) != "betas"):
        name = place.get(hyper.name, hyper.name)
        options.setdefault(name, tuple(rule.hyper[p].default for p in packs[name]) if name in packs else hyper.default)
    return options


def _number(value: Any) -> Any:
    return value.item() if isinstance(value, Tensor) else value


def _is_finite(value: Any) -> bool:
    if isinstance(value, Tensor):
        return bool(value.isfinite().all())
    return not isinstance(value, float) or math.isfinite(value)
