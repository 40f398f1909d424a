"""Runs the protocol: trains the rungs that it asks for, keeps each in the store, and hears the stored ones first on resume."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from steepest.core.errors import StoreError
from steepest.results.records import Event, Outcome, Study, Verdict
from steepest.results.store import Store

from . import winner
from .machines import Machines
from .race import Request, TrialKey, protocol
from .shards import Cut, cut_for
from .trainer import Shard, Trainer


def run_study(
    store: Store,
    trainer: Trainer,
    machines: Machines,
    is_stop_asked: Callable[[], bool] = lambda: False,
    completed: Callable[[Study, Verdict], Verdict] = lambda study, verdict: verdict,
) -> Study:
    """The study from where its store stands to its verdict; KeyboardInterrupt before the rung after a wish to stop.

    completed: adds to the verdict what is stored with it, such as the script of the winner.
    """
    known = store.read()
    if known.verdict is not None:
        return known
    stored: dict[str, list[Outcome]] = {}
    for outcome in known.outcomes:
        stored.setdefault(outcome.rung, []).append(outcome)
    verdict, last = _converse(store, trainer, machines, stored, set(known.finished_rungs), is_stop_asked)
    store.write_verdict(completed(store.read(), verdict), last)
    return store.read()


def _converse(
    store: Store,
    trainer: Trainer,
    machines: Machines,
    stored: Mapping[str, list[Outcome]],
    finished: set[str],
    is_stop_asked: Callable[[], bool],
) -> tuple[Verdict, list[Event]]:
    talk = protocol(trainer.plan)
    cut = cut_for(trainer.task, trainer.arms, trainer.plan.engine, trainer.plan.memory)
    answer: list[Outcome] | None = None
    while True:
        try:
            request = next(talk) if answer is None else talk.send(answer)
        except StopIteration as end:
            return end.value
        name = request.rung.name
        if name in finished:
            answer = stored.get(name, [])
            _refuse_other_trials(store.path, request, answer)
            trainer.progress.advance(request.cost)
            continue
        if is_stop_asked():
            raise KeyboardInterrupt("stopped after a rung; the same call, or steepest.resume, goes on")
        for event in request.events:
            trainer.progress.say(f"{event.arm}: {event.reason}" if event.arm else event.reason)
        trainer.progress.say(f"{name}: {len(request.trials)} trials, {request.rung.epochs} epochs each")
        begun = time.perf_counter()
        answer, weights = train_rung(trainer, machines, request, cut)
        kept = winner.keep(store.path.parent, name, weights)
        store.write_rung(name, answer, [*request.events, *kept], time.perf_counter() - begun)


def _refuse_other_trials(path: Path, request: Request, stored: list[Outcome]) -> None:
    """What was decided before must be decided again: else the store is another protocol's, or somebody changed it."""
    if [TrialKey(o.arm, o.learning_rate, o.seed) for o in stored] != request.trials:
        raise StoreError(
            where=str(path),
            seen=f"its rung {request.rung.name!r} holds {len(stored)} trials that this study would not have asked for",
            needed="the rungs of this very study were needed",
            consequence="Nothing was changed.",
            repair="Was it begun by another version? Go on with that one, or begin again in another folder (--out).",
        )


def train_rung(
    trainer: Trainer, machines: Machines, request: Request, cut: Cut
) -> tuple[list[Outcome], dict[str, bytes]]:
    """The outcomes in the order of the request's trials, and the best weights of each arm of a confirmation."""
    found: dict[TrialKey, Outcome] = {}
    weights: dict[str, bytes] = {}
    for trials in cut.of(request.trials, trainer.arms):
        machines.submit(Shard(request.rung, tuple(trials)))
    for shard, trained in machines.results():
        found.update(zip(shard.trials, trained.outcomes))
        for arm, content in trained.weights.items():
            weights[arm] = winner.better_of(trainer.plan, weights.get(arm), content)
    return [found[key] for key in request.trials], dict(sorted(weights.items()))
