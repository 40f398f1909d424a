"""A team: neighbouring trials that go through a stretch of steps together, few enough to stay in the cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from .batches import Batches, Stretch
from .block import Block, make_block
from .block_losses import BlockLosses, EachTerm, LossGroup, block_losses
from .dropout import StepMasks
from .engines import Engine
from .groups import RuleGroup, rule_groups
from .learned_factors import LearnedFactors
from .trial import Trial
from .weights import Weights

MOST_IN_A_TEAM = {"cpu": 32}
"""Of an engine that stacks; elsewhere than on a CPU all trials that fit. On a CPU fewer cost more calls per trial, and
more leave the cache: 128 trials of 64-64-64-10 take 64 us per trial and step in teams of 32, 72 in teams of 64."""


@dataclass(frozen=True)
class Team:
    """Its blocks pass through the model in turn, then each rule steps once; a loop has blocks of one trial.

    learned: factors of losses that step beside the models.
    """

    weights: Weights
    engine: Engine
    batches: Batches
    blocks: tuple[tuple[Block, BlockLosses], ...]
    rules: tuple[RuleGroup, ...]
    learned: tuple[LearnedFactors, ...]

    def train(self, stretch: Stretch, masks: Sequence[StepMasks], rates: Tensor, losses: Tensor) -> None:
        """All steps of a stretch; rates (n, K) of all trials; the trials' losses are added to losses (K,)."""
        targets = [[self._targets(stretch, group) for group in measure.groups] for _, measure in self.blocks]
        for i in range(len(stretch)):
            of_step, step = [[y[i] for y in of_groups] for of_groups in targets], stretch.first_step + i
            self._take_gradients(step, stretch.x[i], of_step, masks[i], losses)
            with torch.no_grad():
                chains = [rule.chain for rule in self.rules if rule.chain is not None and rule.chain.looks_twice]
                for chain in chains:
                    chain.move_away()
            if chains:
                self._take_gradients(step, stretch.x[i], of_step, masks[i], None)
            with torch.no_grad():
                for chain in chains:
                    chain.move_back()
                for rule in self.rules:
                    rule.step(rates[i])
                for factors in self.learned:
                    factors.step(rates[i])

    def _take_gradients(
        self, step: int, x: Tensor, targets: Sequence[Sequence[Any]], masks: StepMasks, losses: Tensor | None
    ) -> None:
        """The gradients of one batch into the trials' rows, and the losses added to theirs, where they are wanted."""
        for (block, measure), of_groups in zip(self.blocks, targets):
            outputs = self.engine.forward(block, x, masks)
            own, slope = measure(outputs, of_groups, step)
            gradients = torch.autograd.grad(outputs, list(block.parameters.values()), slope, allow_unused=True)
            with torch.no_grad():
                self.weights.collect(block.rows, dict(zip(block.parameters, gradients)))
                if losses is not None:
                    losses[block.rows] += own

    def _targets(self, stretch: Stretch, group: LossGroup) -> Tensor | EachTerm:
        """(n, k, B), (n, k, C, B) or (n, k, B, *): what the group's loss asks for, step by step; or that for each summand."""
        found = []
        for loss in group.losses:
            of_seeds = self.batches.targets(stretch, loss)
            per_class = of_seeds.transpose(2, 3).contiguous() if of_seeds.dim() == 4 else of_seeds
            found.append(per_class.index_select(1, group.seed_rows))
        return found[0] if len(found) == 1 else EachTerm(tuple(found))


def make_teams(
    trials: Sequence[Trial],
    weights: Weights,
    engine: Engine,
    batches: Batches,
    seed_rows: Tensor,
    most_passing: int,
    horizon: int,
) -> list[Team]:
    """Teams of equal size, at most `most_passing`; trials in training order. horizon: steps of the whole run.

    A loop is one team: one trial passes at a time, and its rules step for many at once.
    Trials that take two gradients per step have teams of their own: the others would take a second one in vain, and
    count it in the running means of their BatchNorm.
    """
    found = []
    for start, n in _stretches(trials):
        most = min(n, most_passing, MOST_IN_A_TEAM.get(seed_rows.device.type, n))
        n_teams = 1 if engine.runs_one_by_one else -(-n // most)
        edges = [start + n * i // n_teams for i in range(n_teams + 1)]
        found += [_team(trials, slice(a, b), weights, engine, batches, seed_rows, horizon) for a, b in pairwise(edges)]
    return found


def _stretches(trials: Sequence[Trial]) -> list[tuple[int, int]]:
    """(start, length) of neighbouring trials that all take one gradient per step, or all two."""
    twice = [any(use.transform.acts_on == "point" for use in trial.arm.transforms) for trial in trials]
    starts = [i for i in range(len(trials)) if i == 0 or twice[i] != twice[i - 1]]
    return [(a, b - a) for a, b in pairwise([*starts, len(trials)])]


def _team(
    trials: Sequence[Trial],
    rows: slice,
    weights: Weights,
    engine: Engine,
    batches: Batches,
    seed_rows: Tensor,
    horizon: int,
) -> Team:
    size = 1 if engine.runs_one_by_one else rows.stop - rows.start
    blocks, task, dtype = [], batches.task, weights.flats[0].values.dtype
    for start in range(rows.start, rows.stop, size):
        own = slice(start, start + size)
        block = make_block(weights, own, seed_rows, engine.runs_one_by_one)
        measure = block_losses(trials[own], own, block.seed_rows, dtype, horizon, task.from_classes, task.places)
        blocks.append((block, measure))
    learned = tuple(g.learned for _, measure in blocks for g in measure.groups if g.learned is not None)
    return Team(weights, engine, batches, tuple(blocks), tuple(rule_groups(trials, rows, weights)), learned)
