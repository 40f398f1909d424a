"""Two processes: conv nets of 28 x 28 against a loop of channels_last models in each; rungs of MLPs against one process.

    OMP_NUM_THREADS=1 python bench/two_processes.py [reps]

8 trials (2 losses x 2 rules x 2 seeds), one epoch of digits drawn large, half of the trials in each process, one thread
each. Wall time, both ways in turn; the processes live on, their start is not counted: "local:2" is the asking process and
one beside it. The workers keep freed memory
(steepest.kernels.allocator), a plain loop does not.

Then rungs of digits MLPs of two hidden layers, 6 arms x 8 seeds and 10 epochs, cut as a study cuts them: machines="local"
and "local:2". At last what a cut costs in one process: 20 trials in one shard and in two, CPU time. The last line is JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import SimpleNamespace
from typing import Any

import torch
from population import CLASS_LOSSES, Case, cases, machine, studies, timed
from torch import Tensor, nn
from torch.nn import functional as F

from steepest import data, metrics, models
from steepest.compare import Population, Trial
from steepest.compare.machines import place_of
from steepest.compare.race import TrialKey
from steepest.compare.shards import Cut, cut_for
from steepest.compare.task import Task
from steepest.compare.trainer import Shard, Trainer, one_thread
from steepest.core.progress import Silent
from steepest.core.streams import generator
from steepest.results.records import RungRecord


class Net(nn.Module):
    """Convolutions 1 -> 10 -> 20 of 5 x 5, each pooled, then 320 -> 50 -> 10."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 10, 5), nn.Conv2d(10, 20, 5)
        self.c, self.d = nn.Linear(320, 50), nn.Linear(50, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(F.max_pool2d(self.a(x), 2))
        x = F.relu(F.max_pool2d(self.b(x), 2))
        return self.d(F.relu(self.c(x.flatten(1))))


def large_digits() -> Task:
    small = data.load("digits")
    x = F.interpolate(small.x.reshape(-1, 1, 8, 8), size=(28, 28), mode="bilinear")
    return Task(Net, data.Data.of(x, small.y, name="digits 28 x 28"), metrics.accuracy)


def channels_last_loop(task: Task, runs: Sequence[Case], epochs: int) -> None:
    """The plain loop for conv nets: models and batches in channels_last, scored at the end."""
    for case in runs:
        seed = case.trial.seed
        train, select = task.train_set(seed), task.select_set(seed)
        model = task.build(seed).train().to(memory_format=torch.channels_last)
        optimizer = case.optimizer(model.parameters(), case.trial.learning_rate)
        for epoch in range(epochs):
            order = torch.randperm(len(train.y), generator=generator("batches", task.seed, seed, epoch))
            for rows in order.split(task.batch_sizes):
                optimizer.zero_grad()
                x = train.x[rows].contiguous(memory_format=torch.channels_last)
                case.loss(model(x), train.y[rows]).backward()
                optimizer.step()
        model.eval()
        with torch.no_grad():
            model(select.x.contiguous(memory_format=torch.channels_last))


def serve_loops(jobs: Connection, epochs: int) -> None:
    """The life of a process that loops: numbers of cases in, a word out when they are trained."""
    torch.set_num_threads(1)
    task, runs = large_digits(), cases(8, CLASS_LOSSES)
    while (places := jobs.recv()) is not None:
        channels_last_loop(task, [runs[i] for i in places], epochs)
        jobs.send("trained")


def two_processes(reps: int, epochs: int = 1) -> dict[str, Any]:
    """The figures of both ways, printed."""
    task, runs = large_digits(), cases(8, CLASS_LOSSES)
    arms = {f"arm {i}": replace(case.trial.arm, name=f"arm {i}") for i, case in enumerate(runs)}
    keys = [TrialKey(name, case.trial.learning_rate, case.trial.seed) for name, case in zip(arms, runs)]
    plan: Any = SimpleNamespace(engine="auto", metric=task.metric.name, memory=None)
    ours: Any = place_of("local:2").open(Trainer(task, arms, plan, [task.metric], Silent()))
    rung = RungRecord("search", "search", epochs, [0, 1])
    context = get_context("spawn")
    pipes = [context.Pipe() for _ in range(2)]
    loops = [context.Process(target=serve_loops, args=(theirs, epochs), daemon=True) for _, theirs in pipes]
    for process in loops:
        process.start()

    def loop() -> None:
        for i, (mine, _) in enumerate(pipes):
            mine.send(list(range(i, len(runs), 2)))
        for mine, _ in pipes:
            mine.recv()

    def shards() -> None:
        for keys_of_one in Cut(len(keys) // 2, is_even=True).of(keys, arms):
            ours.submit(Shard(rung, tuple(keys_of_one)))
        for _ in ours.results():
            pass

    try:
        loop()
        while not ours.n_begun:
            shards()
        theirs, own = timed([loop, shards], reps, time.perf_counter)
    finally:
        ours.cancel()
        for mine, _ in pipes:
            mine.send(None)
    row = {
        "study": "cnn 28 x 28, 2 processes",
        "trials": len(runs),
        "loop_s": [round(f(theirs), 2) for f in (min, statistics.median)],
        "workers_s": [round(f(own), 2) for f in (min, statistics.median)],
        "ratio": round(statistics.median(theirs) / statistics.median(own), 2),
        "ratio_of_minima": round(min(theirs) / min(own), 2),
    }
    print(
        f"{row['study']}, {row['trials']} trials, wall s min/median: loop of channels_last models "
        f"{'/'.join(map(str, row['loop_s']))}, local:2 {'/'.join(map(str, row['workers_s']))}; "
        f"ratio of medians {row['ratio']}, of minima {row['ratio_of_minima']}",
        flush=True,
    )
    return row


def rungs(width: int, reps: int, epochs: int = 10) -> dict[str, Any]:
    """A rung of 48 trials in one process and in two, printed."""
    task = Task(lambda: models.mlp(64, 10, width=width), data.load("digits"), metrics.accuracy)
    chosen = {
        f"arm {i}": replace(case.trial.arm, name=f"arm {i}") for i, case in enumerate(cases(32, CLASS_LOSSES)[:6])
    }
    keys = [TrialKey(name, 1e-3, seed) for name in chosen for seed in range(8)]
    plan: Any = SimpleNamespace(engine="auto", metric=task.metric.name, memory=None)
    trainer, rung = (
        Trainer(task, chosen, plan, [task.metric], Silent()),
        RungRecord("search", "search", epochs, [*range(8)]),
    )
    places: list[Any] = [place_of(words).open(trainer) for words in ("local", "local:2")]
    shards = cut_for(task, chosen, "auto").of(keys, chosen)

    def run(place: Any) -> None:
        for shard in shards:
            place.submit(Shard(rung, tuple(shard)))
        for _ in place.results():
            pass

    try:
        run(places[0])
        while not places[1].n_begun:
            run(places[1])
        with one_thread():
            one, two = timed([lambda: run(places[0]), lambda: run(places[1])], reps, time.perf_counter)
    finally:
        for place in places:
            place.cancel()
    row = {
        "study": f"64-{width}-{width}-10, {len(keys)} trials in {len(shards)} shards",
        "one_s": [round(f(one), 2) for f in (min, statistics.median)],
        "two_s": [round(f(two), 2) for f in (min, statistics.median)],
        "ratio": round(statistics.median(one) / statistics.median(two), 2),
        "ratio_of_minima": round(min(one) / min(two), 2),
    }
    print(
        f"{row['study']}, wall s min/median: local {'/'.join(map(str, row['one_s']))}, local:2 "
        f"{'/'.join(map(str, row['two_s']))}; ratio of medians {row['ratio']}, of minima {row['ratio_of_minima']}",
        flush=True,
    )
    return row


def cut_costs(name: str, task: Task, pairs: Any, reps: int, n: int = 20, steps: int = 60) -> dict[str, Any]:
    """n trials in two shards against one, both in this process, printed."""
    chosen = {f"arm {i}": replace(case.trial.arm, name=f"arm {i}") for i, case in enumerate(cases(32, pairs)[:4])}
    keys = [TrialKey(arm, 1e-3, seed) for arm in chosen for seed in range(n // 4)]

    def run(n_shards: int) -> None:
        for shard in Cut(n // n_shards, is_even=False).of(keys, chosen):
            Population(task, [Trial(chosen[k.arm], k.learning_rate, k.seed) for k in shard], horizon=steps).train(steps)

    run(1)
    one, two = timed([lambda: run(1), lambda: run(2)], reps)
    ratios = [round(f(two) / f(one), 2) for f in (min, statistics.median)]
    print(
        f"{name}, {n} trials in two shards cost {ratios[0]}/{ratios[1]} times as much as in one (minima/medians)",
        flush=True,
    )
    return {"study": name, "cost_of_a_cut": ratios}


def main() -> None:
    torch.set_num_threads(1)
    reps, facts = int(sys.argv[1]) if len(sys.argv) > 1 else 5, machine()
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    rows = [two_processes(reps), *(rungs(width, reps) for width in (64, 128, 256))]
    nets = [(name, task, pairs) for name, task, pairs, _ in studies()[:2]]
    for width in (128, 256):
        task = Task(partial(models.mlp, 64, 10, width=width), data.load("digits"), metrics.accuracy)
        nets.append((f"digits 64-{width}-{width}-10", task, CLASS_LOSSES))
    rows += [cut_costs(*net, reps) for net in nets]
    print(json.dumps({"machine": facts, "reps": reps, "rows": rows}))


if __name__ == "__main__":
    main()
