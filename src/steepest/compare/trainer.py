"""Trains the trials of a shard as one population and measures them, in whatever process or machine that happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from steepest.core.declare import Metric
from steepest.core.progress import Progress
from steepest.results.records import Outcome, Plan, RungRecord

from .answering import Answering
from .population import Population
from .race import TrialKey
from .task import Part, Task
from .trial import Arm, Trial
from .winner import best_weights

CURVE_POINTS = 8


@contextmanager
def one_thread() -> Iterator[None]:
    """Small operations are not worth sharing: two threads save a fifth of the time on an idle machine, and cost up to
    tenfold where another program wants the core, because they wait for each other at every step. And the sums of one
    thread are the same on every machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class Shard:
    """Trials of one rung that train together: what a machine is given at a time. Plain values only."""

    rung: RungRecord
    trials: tuple[TrialKey, ...]

    @property
    def cost(self) -> float:
        """Epochs, summed over the trials."""
        return float(self.rung.epochs * len(self.trials))


@dataclass(frozen=True)
class Trained:
    """What came of a shard: an outcome per trial, in order; from a confirmation each arm's best weights, as a file."""

    outcomes: list[Outcome]
    weights: dict[str, bytes]


@dataclass(frozen=True)
class Trainer:
    """Trains the shards of a study. metrics: the one that decides, then those that are reported."""

    task: Task
    arms: Mapping[str, Arm]
    plan: Plan
    metrics: Sequence[Metric]
    progress: Progress

    def train(self, shard: Shard) -> Trained:
        """The same bits wherever it runs: one population, one thread, random numbers keyed by seed."""
        with one_thread():
            return self._train(shard)

    def _train(self, shard: Shard) -> Trained:
        keys, epochs, steps = shard.trials, shard.rung.epochs, self.task.steps_per_epoch
        trials = [Trial(self.arms[k.arm], k.learning_rate, k.seed) for k in keys]
        population = Population(
            self.task, trials, horizon=epochs * steps, engine=self.plan.engine, memory=self.plan.memory
        )
        curves: list[list[list[float]]] = [[] for _ in keys]
        losses: list[list[list[float]]] = [[] for _ in keys]
        before, answering, drawn = 0, Answering(trials, self.metrics[0].best), _curve_epochs(epochs)
        for epoch in range(1, epochs + 1) if answering else drawn:
            population.train((epoch - before) * steps)
            self.progress.advance((epoch - before) * len(keys))
            before = epoch
            scores = self.task.score(self.metrics[0], *self._judged(population, keys, "select"))
            if answering:
                population.reduce(answering.after(scores))
            if epoch not in drawn:
                continue
            for curve, score in zip(curves, scores.tolist()):
                curve.append([float(epoch), score])
            for curve, value in zip(losses, population.mean_loss().tolist()):
                curve.append([float(epoch), value])
        is_last = shard.rung.phase == "confirm"
        prediction, parts = self._judged(population, keys, "test" if is_last else "select")
        measured = {m.name: self.task.score(m, prediction, parts).tolist() for m in self.metrics}
        left_out = self.task.jackknife(self.metrics[0], prediction, parts) if is_last else [[] for _ in keys]
        diverged = population.diverged.tolist()
        outcomes = [
            self._outcome(
                shard.rung, key, diverged[i], curves[i], losses[i], {n: v[i] for n, v in measured.items()}, left_out[i]
            )
            for i, key in enumerate(keys)
        ]
        factors = population.learned_factors()
        outcomes = [replace(o, factors=[] if o.diverged else own) for o, own in zip(outcomes, factors)]
        return Trained(outcomes, best_weights(self.task, self.plan, population, outcomes) if is_last else {})

    def _judged(self, population: Population, keys: Sequence[TrialKey], part: str) -> tuple[Tensor, list[Part]]:
        """What the models say of the select or test part of each trial's own seed, and that part."""
        of_seed = self.task.test_set if part == "test" else self.task.select_set
        parts = {seed: of_seed(seed) for seed in sorted({k.seed for k in keys})}
        return population.predict({seed: p.x for seed, p in parts.items()}), [parts[k.seed] for k in keys]

    def _outcome(
        self,
        rung: RungRecord,
        key: TrialKey,
        diverged: bool,
        curve: list[list[float]],
        losses: list[list[float]],
        measured: dict[str, float],
        left_out: list[float],
    ) -> Outcome:
        on_test = rung.phase == "confirm"
        return Outcome(
            rung=rung.name,
            arm=key.arm,
            seed=key.seed,
            learning_rate=key.learning_rate,
            epochs=rung.epochs,
            score=float("nan") if diverged else curve[-1][1],
            diverged=diverged,
            test_score=(float("nan") if diverged else measured[self.plan.metric]) if on_test else None,
            metrics={} if diverged else measured,
            curve=curve,
            loss_curve=losses,
            test_jackknife=[] if diverged else left_out,
        )


def _curve_epochs(epochs: int) -> list[int]:
    n = min(epochs, CURVE_POINTS)
    return sorted({round(epochs * (i + 1) / n) for i in range(n)})
