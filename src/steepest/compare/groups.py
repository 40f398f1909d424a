"""Trials in groups: those of one rule step together, those of one loss are measured together, whatever their hyperparameters."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from steepest.core import reduce
from steepest.core.loss import Loss
from steepest.core.reduce import Items
from steepest.optim.stacked import StackedRule

from .trial import Trial
from .weights import Weights


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _words(options: Mapping[str, Any]) -> Hashable:
    """What differs between groups rather than within one: everything but numbers."""
    return tuple(sorted((n, repr(v)) for n, v in options.items() if not is_number(v))), tuple(sorted(options))


def rule_key(trial: Trial) -> Hashable:
    return id(trial.arm.rule), _words(trial.arm.rule_hyper)


def loss_key(trial: Trial) -> Hashable:
    return id(trial.arm.loss), _words(trial.arm.loss_options)


def places(keys: Sequence[Hashable]) -> list[list[int]]:
    """The positions of each distinct key, keys in the order of their first appearance."""
    found: dict[Hashable, list[int]] = {}
    for i, key in enumerate(keys):
        found.setdefault(key, []).append(i)
    return list(found.values())


def training_order(trials: Sequence[Trial]) -> list[int]:
    """The order in which trials lie in memory: trials of one rule stand together, and within it those of one loss."""
    by_rule = {p: i for i, group in enumerate(places([rule_key(t) for t in trials])) for p in group}
    by_loss = {p: i for i, group in enumerate(places([loss_key(t) for t in trials])) for p in group}
    return sorted(range(len(trials)), key=lambda i: (by_rule[i], by_loss[i], i))


# -- rules ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RuleGroup:
    """Trials of one rule: a range of rows, and one stepper for each dtype of parameters."""

    rows: slice
    steppers: tuple[StackedRule, ...]

    def step(self, weights: Weights, rates: Tensor) -> None:
        """One step of these trials; rates (K,): the learning rates of all trials."""
        for flat, stepper in zip(weights.flats, self.steppers):
            stepper.step(flat.values[self.rows], flat.gradients[self.rows], rates[self.rows])


def rule_groups(trials: Sequence[Trial], weights: Weights) -> list[RuleGroup]:
    """trials in training order."""
    found = []
    for group in places([rule_key(t) for t in trials]):
        rows = slice(group[0], group[-1] + 1)
        members = [trials[i] for i in group]
        arms = [t.arm for t in members]
        hyper = {name: _one_per_trial([a.rule_hyper[name] for a in arms]) for name in arms[0].rule_hyper}
        decay = _one_per_trial([a.decay for a in arms])
        steppers = []
        for flat in weights.flats:
            steppers.append(StackedRule(arms[0].rule, hyper, decay))
            steppers[-1].init(flat.values[rows])
        found.append(RuleGroup(rows, tuple(steppers)))
    return found


def _one_per_trial(values: Sequence[Any]) -> Any:
    """One number where all agree, else a float64 tensor (k,)."""
    return values[0] if all(v == values[0] for v in values) else torch.tensor(values, dtype=torch.float64)


# -- losses -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LossGroup:
    """Trials of one loss: their positions in a block, and `measure(outputs (k, N, *), targets (k*N, *)) -> (k,)`."""

    loss: Loss
    positions: tuple[int, ...]
    seed_rows: Tensor
    measure: Callable[[Tensor, Tensor], Tensor]


def loss_groups(trials: Sequence[Trial], seed_rows: Tensor, dtype: torch.dtype) -> list[LossGroup]:
    """The groups of a block of trials; seed_rows (k,): the place of each trial's seed."""
    found = []
    for group in places([loss_key(t) for t in trials]):
        options = [trials[i].arm.loss_options for i in group]
        where = torch.tensor(group, device=seed_rows.device)
        found.append(LossGroup(trials[group[0]].arm.loss, tuple(group), seed_rows[where], _measure(trials[group[0]].arm.loss, options, where, dtype)))
    return found


def _measure(loss: Loss, options: Sequence[Mapping[str, Any]], like: Tensor, dtype: torch.dtype) -> Callable[[Tensor, Tensor], Tensor]:
    shared = {name: value for name, value in options[0].items() if all(o[name] == value for o in options)}
    own = {name: torch.tensor([o[name] for o in options], dtype=dtype, device=like.device) for name in options[0] if name not in shared}
    normalize = shared.pop("normalize", "weight")

    def together(outputs: Tensor, targets: Tensor) -> Tensor:
        """All rows of all trials in one call."""
        return per_trial(loss.items(outputs.flatten(0, 1), targets, **shared), len(outputs), normalize)

    def one(output: Tensor, target: Tensor, numbers: Mapping[str, Tensor]) -> Tensor:
        return reduce.reduce(loss.items(output, target, **shared, **numbers), "mean", normalize)

    def each_with_its_numbers(outputs: Tensor, targets: Tensor) -> Tensor:
        return torch.vmap(one)(outputs, targets.unflatten(0, outputs.shape[:2]), own)

    return each_with_its_numbers if own else together


def per_trial(items: Items, k: int, normalize: reduce.Normalize) -> Tensor:
    """The mean of each of k equal stretches of items, under the contract: (k*N, *) -> (k,)."""
    values = items.values.reshape(k, -1)
    if normalize == "batch":
        return values.sum(1) / (len(items.values) // k)
    if items.present is None and (items.weight is None or normalize == "count"):
        return values.mean(1)
    return reduce.quotient(values.sum(1), items.count(normalize).reshape(k, -1).sum(1))
