"""Trials in groups: those of one rule step together, those of one loss are measured together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from steepest.core.trees import Layout
from steepest.optim.stacked import StackedRule

from .chains import StackedChain, chain_key
from .own_rules import OwnRule, OwnStepper
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
    others = tuple((term.factor, id(term.loss), repr(sorted(term.options.items()))) for term in arm.beside)
    weighting = None if arm.weighting is None else (arm.weighting.gives, arm.weighting_after)
    learned = rule_key(trial) if arm.learns_factors else None
    return id(arm.loss), _words(arm.loss_options), weighting, arm.factor, others, learned


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


@dataclass(frozen=True)
class RuleGroup:
    """Trials of one rule: a range of rows, one stepper for each dtype of parameters, and the transforms around them.

    moves: the steppers' steps, bound to their rows.
    """

    rows: slice
    steppers: tuple[StackedRule | OwnStepper, ...]
    moves: tuple[Callable[[Tensor], None], ...]
    chain: StackedChain | None

    def step(self, rates: Tensor) -> None:
        """One step of these trials; rates (K,): the learning rates of all trials."""
        own = rates[self.rows]
        if self.chain is None:
            self._step_rule(own)
        else:
            self.chain.step(own, lambda: self._step_rule(own))

    def _step_rule(self, rates: Tensor) -> None:
        for move in self.moves:
            move(rates)

    def put_evaluated(self, weights: Weights) -> list[Tensor]:
        """Put the weights at which these trials are judged into their rows; returns those that they learn at, if others."""
        averaged = self.chain is not None and self.chain.is_judged_elsewhere
        if not averaged and not any(s.rule.evaluated for s in self.steppers):
            return []
        kept = [flat.values[self.rows].clone() for flat in weights.flats]
        for flat, stepper in zip(weights.flats, self.steppers):
            if isinstance(stepper, StackedRule) and stepper.rule.evaluated is not None:
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
        steppers = tuple(stepper_of(arms, flat.values[rows], flat.layout) for flat in weights.flats)
        moves = tuple(s.bound(f.values[rows], f.gradients[rows]) for s, f in zip(steppers, weights.flats))
        chain = StackedChain(trials[rows], rows, weights) if arms[0].transforms else None
        found.append(RuleGroup(rows, steppers, moves, chain))
    return found


def stepper_of(arms: Sequence[Arm], param: Tensor, layout: Layout) -> StackedRule | OwnStepper:
    """The stacked step of the arms' rule, which checks the numbers."""
    if isinstance(arms[0].rule, OwnRule):
        return OwnStepper(arms, param, layout)
    hyper = {name: _one_per_trial([a.rule_hyper[name] for a in arms]) for name in arms[0].rule_hyper}
    stepper = StackedRule(arms[0].rule, hyper, _one_per_trial([a.decay for a in arms]))
    stepper.init(param, layout)
    return stepper


def _one_per_trial(values: Sequence[Any]) -> Any:
    """One number where all agree, else a float64 tensor (k,)."""
    return values[0] if all(v == values[0] for v in values) else torch.tensor(values, dtype=torch.float64)
