"""Trials in groups: those of one rule step together, those of one loss are measured together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from steepest.core import reduce
from steepest.core.loss import Loss
from steepest.core.reduce import Items
from steepest.core.trees import Layout
from steepest.kernels.fast_losses import Values, fast_form
from steepest.optim.stacked import StackedRule

from .chains import StackedChain, chain_key
from .trial import Arm, Trial
from .weights import Weights


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _words(options: Mapping[str, Any]) -> Hashable:
    """What differs between groups rather than within one: everything but numbers."""
    return tuple(sorted((n, repr(v)) for n, v in options.items() if not is_number(v))), tuple(sorted(options))


def rule_key(trial: Trial) -> Hashable:
    rule, hyper = trial.arm.rule, trial.arm.rule_hyper
    shared = tuple((name, repr(hyper[name])) for name in rule.static if name in hyper)
    return id(rule), _words(hyper), shared, chain_key(trial.arm.transforms)


def loss_key(trial: Trial) -> Hashable:
    arm = trial.arm
    return id(arm.loss), _words(arm.loss_options), None if arm.weighting is None else arm.weighting.gives


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


# -- rules -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RuleGroup:
    """Trials of one rule: a range of rows, one stepper for each dtype of parameters, and the transforms around them."""

    rows: slice
    steppers: tuple[StackedRule, ...]
    chain: StackedChain | None

    def step(self, weights: Weights, rates: Tensor) -> None:
        """One step of these trials; rates (K,): the learning rates of all trials."""
        if self.chain is None:
            self._step_rule(weights, rates)
        else:
            self.chain.step(rates[self.rows], lambda: self._step_rule(weights, rates))

    def _step_rule(self, weights: Weights, rates: Tensor) -> None:
        for flat, stepper in zip(weights.flats, self.steppers):
            stepper.step(flat.values[self.rows], flat.gradients[self.rows], rates[self.rows])

    def put_evaluated(self, weights: Weights) -> list[Tensor]:
        """Put the weights at which these trials are judged into their rows; returns those that they learn at, if others."""
        averaged = self.chain is not None and self.chain.is_judged_elsewhere
        if not averaged and not any(s.rule.evaluated for s in self.steppers):
            return []
        kept = [flat.values[self.rows].clone() for flat in weights.flats]
        for flat, stepper in zip(weights.flats, self.steppers):
            if stepper.rule.evaluated is not None:
                flat.values[self.rows] = stepper.evaluated(flat.values[self.rows])
        if averaged and self.chain is not None:
            self.chain.put_evaluated()
        return kept

    def put_back(self, weights: Weights, kept: Sequence[Tensor]) -> None:
        """The weights at which these trials learn, to the last bit."""
        for flat, values in zip(weights.flats, kept):
            flat.values[self.rows] = values


def rule_groups(trials: Sequence[Trial], team: slice, weights: Weights) -> list[RuleGroup]:
    """The groups of a range of trials; trials in training order."""
    found = []
    for group in places([rule_key(t) for t in trials[team]]):
        rows = slice(team.start + group[0], team.start + group[-1] + 1)
        arms = [t.arm for t in trials[rows]]
        steppers = tuple(_stepper(arms, flat.values[rows], flat.layout) for flat in weights.flats)
        chain = StackedChain(trials[rows], rows, weights) if arms[0].transforms else None
        found.append(RuleGroup(rows, steppers, chain))
    return found


def _stepper(arms: Sequence[Arm], param: Tensor, layout: Layout) -> StackedRule:
    """The stacked step of the arms' rule, which checks the numbers."""
    hyper = {name: _one_per_trial([a.rule_hyper[name] for a in arms]) for name in arms[0].rule_hyper}
    stepper = StackedRule(arms[0].rule, hyper, _one_per_trial([a.decay for a in arms]))
    stepper.init(param, layout)
    return stepper


def _one_per_trial(values: Sequence[Any]) -> Any:
    """One number where all agree, else a float64 tensor (k,)."""
    return values[0] if all(v == values[0] for v in values) else torch.tensor(values, dtype=torch.float64)


# -- losses ----------------------------------------------------------------------------------------------------------

Measure = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class LossGroup:
    """Trials of one loss: `measure(outputs, targets) -> (k,)`, both (k, C, N), classes (k, N); see `class_first`."""

    loss: Loss
    seed_rows: Tensor
    measure: Measure


@dataclass(frozen=True)
class BlockLosses:
    """The loss groups of a block. positions: its trials by group; back undoes it; None where that changes nothing."""

    groups: tuple[LossGroup, ...]
    sizes: tuple[int, ...]
    positions: Tensor | None
    back: Tensor | None

    def __call__(self, outputs: Tensor, targets: Sequence[Tensor]) -> Tensor:
        """The losses (k,) of a block's trials from their outputs (k, N, *)."""
        outputs = class_first(outputs)
        if len(self.groups) == 1:
            return self.groups[0].measure(outputs, targets[0])
        grouped = outputs if self.positions is None else outputs.index_select(0, self.positions)
        parts = grouped.split(self.sizes)
        losses = torch.cat([group.measure(part, y) for group, part, y in zip(self.groups, parts, targets)])
        return losses if self.back is None else losses.index_select(0, self.back)


def class_first(values: Tensor) -> Tensor:
    """(k, N, C) -> (k, C, N): a loss then sees k samples with a row of items each, the class axis where it expects it.

    A softmax over C runs along memory: 207 -> 10 us for 2048 rows of 10 (bench/population.py).
    """
    return values.transpose(1, 2) if values.dim() == 3 else values


FromClasses = Callable[[Arm, int], dict[str, Tensor]]


def block_losses(
    trials: Sequence[Trial], seed_rows: Tensor, dtype: torch.dtype, from_classes: FromClasses
) -> BlockLosses:
    """For the trials of a block; seed_rows (k,): the place of each trial's seed.

    from_classes(arm, seed): options that come from the class counts of the seed's training part.
    """
    found, order = [], []
    for group in places([loss_key(t) for t in trials]):
        arms = [trials[i].arm for i in group]
        options = [{**trials[i].arm.loss_options, **from_classes(trials[i].arm, trials[i].seed)} for i in group]
        measure = _measure(arms[0].loss, options, seed_rows.device, dtype)
        found.append(LossGroup(arms[0].loss, seed_rows[torch.tensor(group, device=seed_rows.device)], measure))
        order.append(group)
    flat = [i for group in order for i in group]
    positions = None if flat == sorted(flat) else torch.tensor(flat, device=seed_rows.device)
    return BlockLosses(
        tuple(found), tuple(map(len, order)), positions, None if positions is None else positions.argsort()
    )


def _measure(loss: Loss, options: Sequence[Mapping[str, Any]], device: torch.device, dtype: torch.dtype) -> Measure:
    """A fast form where there is one, else the declared body; in a vmap over the trials where their numbers differ."""
    shared, own = _shared_and_own(options, device, dtype)
    normalize = shared.pop("normalize", "weight")
    values_of, fast_options = _fast_form(loss, shared, own)

    def fast(outputs: Tensor, targets: Tensor) -> Tensor:
        assert values_of is not None
        values = values_of(outputs, targets, **fast_options).flatten(1)
        weight = _of_targets(shared.get("class_weight"), own.get("class_weight"), targets)
        if weight is not None:
            values = values * weight
            if normalize == "weight":
                return reduce.quotient(values.sum(1), weight.sum(1))
        return values.mean(1) if normalize != "batch" else values.sum(1) / outputs.shape[-1]

    def measure(outputs: Tensor, targets: Tensor, **numbers: Tensor) -> Tensor:
        """All trials in one call; outputs of more axes as rows of one long batch."""
        k, n_rows = len(outputs), outputs.shape[-1] if outputs.dim() == 3 else outputs.shape[1]
        if outputs.dim() > 3:
            outputs, targets = outputs.flatten(0, 1), targets.flatten(0, 1)
        items = loss.items(outputs, targets, **shared, **numbers)  # type: ignore[arg-type]
        return per_trial(items, k, n_rows, normalize)

    def one(output: Tensor, target: Tensor, numbers: Mapping[str, Tensor]) -> Tensor:
        return measure(output.unsqueeze(0), target.unsqueeze(0), **numbers).squeeze(0)

    def plain(outputs: Tensor, targets: Tensor) -> Tensor:
        return torch.vmap(one)(outputs, targets, own) if own else measure(outputs, targets)

    return (
        plain
        if values_of is None
        else lambda outputs, targets: (fast if outputs.dim() <= 3 else plain)(outputs, targets)
    )


def _shared_and_own(
    options: Sequence[Mapping[str, Any]], device: torch.device, dtype: torch.dtype
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The options that are the same for all trials, and those with one number or one vector per trial, (k, *)."""
    shared: dict[str, Any] = {}
    own: dict[str, Tensor] = {}
    for name, first in options[0].items():
        values = [o[name] for o in options]
        if not isinstance(first, Tensor) and all(v == first for v in values):
            shared[name] = first
            continue
        rows = torch.stack([torch.as_tensor(v, dtype=dtype, device=device) for v in values])
        if isinstance(first, Tensor) and bool((rows == rows[0]).all()):
            shared[name] = rows[0]
        else:
            own[name] = rows
    return shared, own


def _fast_form(
    loss: Loss, shared: Mapping[str, Any], own: Mapping[str, Tensor]
) -> tuple[Values | None, dict[str, Any]]:
    """The fast form and its options; class weights are put on its values, which smoothing would have to know of."""
    given = {name: value for name, value in shared.items() if name != "class_weight"}
    is_weighted = "class_weight" in shared or "class_weight" in own
    if set(own) - {"class_weight"} or (is_weighted and given.get("label_smoothing", 0.0) != 0.0):
        return None, {}
    return fast_form(loss, given), given


def _of_targets(of_all: Tensor | None, of_each: Tensor | None, targets: Tensor) -> Tensor | None:
    """The class weight of every target (k, N): from one vector (C,) for all trials, or one for each (k, C)."""
    if of_all is not None:
        return of_all[targets]
    return None if of_each is None else of_each.gather(1, targets)


def per_trial(items: Items, k: int, n_rows: int, normalize: reduce.Normalize) -> Tensor:
    """The mean of each of k equal stretches of items, under the contract: (k, *) or (k*N, *) -> (k,)."""
    values = items.values.reshape(k, -1)
    if normalize == "batch":
        return values.sum(1) / n_rows
    if items.present is None and (items.weight is None or normalize == "count"):
        return values.mean(1)
    return reduce.quotient(values.sum(1), items.count(normalize).reshape(k, -1).sum(1))
