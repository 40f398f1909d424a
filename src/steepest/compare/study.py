"""Runs the protocol: trains the rungs that it asks for, keeps each in the store, and hears the stored ones first on resume."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from steepest.core.declare import Metric
from steepest.core.progress import Progress
from steepest.results.records import Event, Outcome, Plan, Study, Verdict
from steepest.results.store import Store

from .population import Population
from .race import Request, TrialKey, protocol
from .task import Task
from .trial import Arm, Trial

CURVE_POINTS = 8
BYTES_PER_POPULATION = 512 * 1024**2
MOST_TRIALS = 128
"""More trials in one stack are not faster (bench/population.py) and need more memory."""


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
class Trainer:
    """Trains the trials of a rung as populations and measures them."""

    task: Task
    arms: Mapping[str, Arm]
    plan: Plan
    metrics: Sequence[Metric]
    progress: Progress

    def run(self, request: Request) -> list[Outcome]:
        """The outcomes in the order of the request's trials."""
        found: dict[TrialKey, Outcome] = {}
        with one_thread():
            for keys in self._chunks(request.trials):
                for outcome in self._train(request, keys):
                    found[TrialKey(outcome.arm, outcome.learning_rate, outcome.seed)] = outcome
        return [found[key] for key in request.trials]

    def _chunks(self, keys: Sequence[TrialKey]) -> Iterator[list[TrialKey]]:
        """Trials of one rule and loss stand together; a chunk fits in memory."""
        order = sorted(keys, key=lambda k: (self.arms[k.arm].rule.name, k.arm, k.seed, k.learning_rate))
        size = max(1, min(MOST_TRIALS, BYTES_PER_POPULATION // self._bytes_per_trial()))
        n_chunks = -(-len(order) // size)
        even = -(-len(order) // n_chunks)
        return (order[i : i + even] for i in range(0, len(order), even))

    def _bytes_per_trial(self) -> int:
        """Parameters, gradients, two states and a copy; four times the batch for activations."""
        return 4 * (5 * self.plan.n_parameters + 4 * self.plan.batch_size * int(self.plan.data["n_features"]))

    def _train(self, request: Request, keys: Sequence[TrialKey]) -> Iterator[Outcome]:
        epochs, steps = request.rung.epochs, self.task.steps_per_epoch
        trials = [Trial(self.arms[k.arm], k.learning_rate, k.seed) for k in keys]
        population = Population(self.task, trials, horizon=epochs * steps, engine=self.plan.engine)
        curves: list[list[list[float]]] = [[] for _ in keys]
        losses: list[list[list[float]]] = [[] for _ in keys]
        before = 0
        for epoch in _curve_epochs(epochs):
            population.train((epoch - before) * steps)
            self.progress.advance((epoch - before) * len(keys))
            before = epoch
            for curve, score in zip(curves, self._scores(population, keys, "select")[self.plan.metric].tolist()):
                curve.append([float(epoch), score])
            for curve, value in zip(losses, population.mean_loss().tolist()):
                curve.append([float(epoch), value])
        measured = self._scores(population, keys, "test" if request.on_test else "select")
        diverged = population.diverged.tolist()
        for i, key in enumerate(keys):
            yield self._outcome(
                request, key, bool(diverged[i]), curves[i], losses[i], {n: float(v[i]) for n, v in measured.items()}
            )

    def _scores(self, population: Population, keys: Sequence[TrialKey], part: str) -> dict[str, Tensor]:
        """Every metric on the select or test part of each trial's own seed."""
        of_seed = self.task.test_set if part == "test" else self.task.select_set
        parts = {seed: of_seed(seed) for seed in sorted({k.seed for k in keys})}
        prediction = population.predict({seed: p.x for seed, p in parts.items()})
        per_trial = [parts[k.seed] for k in keys]
        return {m.name: self.task.score(m, prediction, per_trial) for m in self.metrics}

    def _outcome(
        self,
        request: Request,
        key: TrialKey,
        diverged: bool,
        curve: list[list[float]],
        losses: list[list[float]],
        measured: dict[str, float],
    ) -> Outcome:
        score = float("nan") if diverged else curve[-1][1]
        return Outcome(
            rung=request.rung.name,
            arm=key.arm,
            seed=key.seed,
            learning_rate=key.learning_rate,
            epochs=request.rung.epochs,
            score=score,
            diverged=diverged,
            test_score=(float("nan") if diverged else measured[self.plan.metric]) if request.on_test else None,
            metrics={} if diverged else measured,
            curve=curve,
            loss_curve=losses,
        )


def _curve_epochs(epochs: int) -> list[int]:
    n = min(epochs, CURVE_POINTS)
    return sorted({round(epochs * (i + 1) / n) for i in range(n)})


def run_study(store: Store, trainer: Trainer, first_events: Iterable[Event] = ()) -> Study:
    """The study from where its store stands to its verdict."""
    known = store.read()
    if known.verdict is not None:
        return known
    stored: dict[str, list[Outcome]] = {}
    for outcome in known.outcomes:
        stored.setdefault(outcome.rung, []).append(outcome)
    if not known.finished_rungs:
        store.write_events(list(first_events))
    verdict, last = _converse(store, trainer, stored, set(known.finished_rungs))
    if last:
        store.write_events(last)
    store.write_verdict(verdict)
    return store.read()


def _converse(
    store: Store, trainer: Trainer, stored: Mapping[str, list[Outcome]], finished: set[str]
) -> tuple[Verdict, list[Event]]:
    talk = protocol(trainer.plan)
    answer: list[Outcome] | None = None
    while True:
        try:
            request = next(talk) if answer is None else talk.send(answer)
        except StopIteration as end:
            return end.value
        name = request.rung.name
        if name in finished:
            answer = stored.get(name, [])
            trainer.progress.advance(request.cost)
            continue
        for event in request.events:
            trainer.progress.say(f"{event.arm}: {event.reason}" if event.arm else event.reason)
        trainer.progress.say(f"{name}: {len(request.trials)} trials, {request.rung.epochs} epochs each")
        begun = time.perf_counter()
        answer = trainer.run(request)
        store.write_rung(name, answer, request.events, time.perf_counter() - begun)
