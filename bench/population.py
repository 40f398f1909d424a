"""Trials per minute: a population against a plain loop of torch.nn and torch.optim, the same numbers coming out.

    OMP_NUM_THREADS=1 python bench/population.py [reps] [--only digits,cancer,cnn,memory] [--k 32]

One thread, loop and population in turn within one process, CPU time. A trial: build the model, train 10 epochs (batch
64) with a mean training loss, score the select part. The loop is what a competent user writes: rows in memory, no
DataLoader, one permutation per epoch, one index per batch. The mixture of losses and optimizers is the same in both.
Difference: of all parameters of a trial after training, float32, the norm over the norm; the median trial and the worst
(training amplifies rounding, the more the higher the learning rate).

Then bytes per extra trial: by how much 96 more trials raise a process's peak, beside what steepest.compare.memory
predicts. The last line is JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from steepest import data, losses, metrics, models, optim
from steepest.compare import Arm, Population, Trial
from steepest.compare.engines import Sample, look_at
from steepest.compare.memory import Need, held_bytes
from steepest.compare.task import Task
from steepest.core.streams import generator
from steepest.optim import schedules

EPOCHS = 10
Torch = Callable[..., Any]


# -- the same things twice: ours, and as torch users write them ------------------------------------------------------


@dataclass(frozen=True)
class Twin:
    item: Any
    options: dict[str, Any]
    rate: float
    torch_way: Torch


def focal(z: Tensor, y: Tensor) -> Tensor:
    cross_entropy = F.cross_entropy(z, y, reduction="none")
    return ((1 - torch.exp(-cross_entropy)) ** 2 * cross_entropy).mean()


CLASS_LOSSES = [
    (losses.cross_entropy, F.cross_entropy),
    (losses.bce_with_logits, lambda z, y: F.binary_cross_entropy_with_logits(z, F.one_hot(y, 10).float())),
    (losses.focal, focal),
    (losses.mse, lambda z, y: F.mse_loss(z, F.one_hot(y, 10).float())),
]
NUMBER_LOSSES = [
    (losses.bce_with_logits, lambda z, y: F.binary_cross_entropy_with_logits(z, y.float().unsqueeze(1))),
    (losses.mse, lambda z, y: F.mse_loss(z, y.float().unsqueeze(1))),
    (losses.huber, lambda z, y: F.huber_loss(z, y.float().unsqueeze(1))),
    (losses.l1, lambda z, y: F.l1_loss(z, y.float().unsqueeze(1))),
]
RULES = [
    Twin(optim.adamw, {}, 1e-3, lambda p, lr: torch.optim.AdamW(p, lr)),
    Twin(optim.sgd, {"momentum": 0.9}, 0.02, lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9)),
    Twin(
        optim.nadamw,
        {},
        1e-3,
        lambda p, lr: torch.optim.NAdam(p, lr, weight_decay=0.01, decoupled_weight_decay=True),
    ),
    Twin(optim.adam, {}, 1e-3, lambda p, lr: torch.optim.Adam(p, lr)),
]


@dataclass(frozen=True)
class Case:
    trial: Trial
    loss: Torch
    optimizer: Torch


def cases(k: int, pairs: Sequence[tuple[Any, Torch]]) -> list[Case]:
    """k trials: 16 arms (4 with 8 trials) x 2 seeds, then more learning rates."""
    n = 2 if k < 32 else 4
    found = []
    for lr_factor, seed, (loss, own), rule in itertools.product((1, 2, 3, 4), (0, 1), pairs[:n], RULES[:n]):
        arm = Arm(loss=loss, rule=rule.item, rule_hyper=rule.options, schedule=schedules.constant)
        found.append(Case(Trial(arm, rule.rate * lr_factor / 4, seed), own, rule.torch_way))
    return found[:k]


# -- the two ways ----------------------------------------------------------------------------------------------------


def plain_loop(task: Task, runs: Sequence[Case]) -> tuple[list[nn.Module], list[float], list[float]]:
    parts = {seed: (task.train_set(seed), task.select_set(seed)) for seed in {c.trial.seed for c in runs}}
    found, means, scores = [], [], []
    for case in runs:
        seed = case.trial.seed
        (train, select), model = parts[seed], task.build(seed).train()
        optimizer, total = case.optimizer(model.parameters(), case.trial.learning_rate), 0.0
        for epoch in range(EPOCHS):
            order = torch.randperm(len(train.y), generator=generator("batches", task.seed, seed, epoch))
            for rows in order.split(task.batch_sizes):
                optimizer.zero_grad()
                loss = case.loss(model(train.x[rows]), train.y[rows])
                loss.backward()
                optimizer.step()
                total += loss.item()
        model.eval()
        with torch.no_grad():
            out = model(select.x)
            right = (out.argmax(1) if out.shape[1] > 1 else (out[:, 0] > 0).long()) == select.y
            scores.append(right.float().mean().item())
        means.append(total / (EPOCHS * task.steps_per_epoch))
        found.append(model)
    return found, means, scores


def population(task: Task, runs: Sequence[Case]) -> tuple[Population, list[float], list[float]]:
    together = Population(task, [c.trial for c in runs], horizon=EPOCHS * task.steps_per_epoch)
    together.train(EPOCHS * task.steps_per_epoch)
    out = together.predict(task.select_set)
    scores = task.score(task.metric, out, [task.select_set(c.trial.seed) for c in runs])
    return together, together.mean_loss().tolist(), scores.tolist()


# -- measuring -------------------------------------------------------------------------------------------------------


def differences(task: Task, runs: Sequence[Case]) -> tuple[list[float], str]:
    """Each trial's relative difference between the two ways, sorted, and the engine that was used."""
    alone, _, _ = plain_loop(task, runs)
    together, _, _ = population(task, runs)
    gaps = []
    for k, model in enumerate(alone):
        a, b = (torch.cat([p.detach().flatten() for p in m.parameters()]) for m in (model, together.model(k)))
        gaps.append(float((a - b).norm() / a.norm()))
    return sorted(gaps), together.engine


def timed(
    ways: Sequence[Callable[[], Any]], reps: int, clock: Callable[[], float] = time.process_time
) -> list[list[float]]:
    """Seconds of each way, of CPU time unless another clock is given, taken in turn."""
    seconds: list[list[float]] = [[] for _ in ways]
    for _ in range(reps):
        for way, own in zip(ways, seconds):
            start = clock()
            way()
            own.append(clock() - start)
    return seconds


def measure(name: str, task: Task, k: int, pairs: Sequence[tuple[Any, Torch]], reps: int) -> dict[str, Any]:
    runs = cases(k, pairs)
    gaps, engine = differences(task, runs)
    loop, own = timed([lambda: plain_loop(task, runs), lambda: population(task, runs)], reps)
    steps = EPOCHS * task.steps_per_epoch * k
    row = {
        "study": name,
        "trials": k,
        "engine": engine,
        "loop_us_per_step": [round(f(loop) / steps * 1e6, 1) for f in (min, statistics.median)],
        "population_us_per_step": [round(f(own) / steps * 1e6, 1) for f in (min, statistics.median)],
        "loop_trials_per_minute": round(60 * k / statistics.median(loop)),
        "population_trials_per_minute": round(60 * k / statistics.median(own)),
        "ratio": round(statistics.median(loop) / statistics.median(own), 2),
        "ratio_of_minima": round(min(loop) / min(own), 2),
        "median_difference": gaps[len(gaps) // 2],
        "largest_difference": gaps[-1],
    }
    print(
        f"{name:<22}{k:>5} {engine:<8} {'/'.join(map(str, row['loop_us_per_step'])):>14} "
        f"{'/'.join(map(str, row['population_us_per_step'])):>14} {row['loop_trials_per_minute']:>9} "
        f"{row['population_trials_per_minute']:>10} {row['ratio']:>6} {row['ratio_of_minima']:>6}   "
        f"{gaps[len(gaps) // 2]:.0e}/{gaps[-1]:.0e}",
        flush=True,
    )
    return row


def machine() -> dict[str, str]:
    cpu = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            cpu = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {
        "cpu": cpu,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": str(torch.get_num_threads()),
    }


# -- memory ------------------------------------------------------------------------------------------------------------

FEW, MANY = 32, 128


def peak_bytes(name: str, k: int) -> int:
    """Peak memory of a fresh process that trains k trials."""
    text = f"import population; print(population.peak_here({name!r}, {k}))"
    found = subprocess.run(
        [sys.executable, "-c", text], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    return int(found.stdout)


def peak_here(name: str, k: int) -> int:
    task, pairs, _ = next(study for title, *study in studies() if title == name)
    torch.set_num_threads(1)
    Population(task, [c.trial for c in cases(k, pairs)], horizon=10).train(5)
    return own_peak()


def own_peak() -> int:
    """Bytes. Linux's maxrss begins with what the parent held when it started this process; the status file does not."""
    try:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def memory_of(name: str, task: Task, pairs: Sequence[tuple[Any, Torch]]) -> dict[str, Any]:
    trials = [c.trial for c in cases(FEW, pairs)]
    model = task.build(0)
    need = Need(held_bytes(model, trials), look_at(Sample.of(task, model, 0)).passing_bytes)
    measured = (peak_bytes(name, MANY) - peak_bytes(name, FEW)) / (MANY - FEW)
    print(
        f"{name}: an extra trial takes {measured / 1024:.0f} KB; predicted: it holds {need.held / 1024:.0f} KB, and "
        f"{need.passing / 1024:.0f} KB more while it passes, with at most 32 at a time",
        flush=True,
    )
    return {"study": name, "bytes_per_trial": round(measured), "held": need.held, "passing": need.passing}


# -- all of it ---------------------------------------------------------------------------------------------------------


def studies() -> list[tuple[str, Task, Any, tuple[int, ...]]]:
    digits, cancer = data.load("digits"), data.load("breast_cancer")
    mlp, net = Task(lambda: models.mlp(64, 10), digits, metrics.accuracy), partial(models.mlp, 30, 1, depth=1)
    return [
        ("digits 64-64-64-10", mlp, CLASS_LOSSES, (8, 32, 128)),
        ("cancer 30-64-1", Task(net, cancer, metrics.accuracy), NUMBER_LOSSES, (8, 32, 128)),
        ("digits cnn", Task(lambda: models.cnn((64,), 10), digits, metrics.accuracy), CLASS_LOSSES, (8, 32)),
    ]


def main() -> None:
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reps", nargs="?", type=int, default=5)
    parser.add_argument("--only", default="digits,cancer,cnn,memory")
    parser.add_argument("--k", type=int, help="this number of trials alone")
    given = parser.parse_args()
    only, facts = given.only.split(","), machine()
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    print(
        f"{'':<36} {'loop us/step':>14} {'population':>14} {'loop':>9} {'population':>10} {'ratio of':>13}   difference"
    )
    print(
        f"{'study':<22}{'K':>5} {'engine':<8} {'min/median':>14} {'min/median':>14} "
        f"{'trials/min':>9} {'trials/min':>10} "
        f"{'medians':>6} {'minima':>6}   median/worst"
    )
    rows = [
        measure(name, task, k, pairs, given.reps)
        for (name, task, pairs, sizes), word in zip(studies(), ("digits", "cancer", "cnn"))
        for k in sizes
        if word in only and given.k in (None, k)
    ]
    if "memory" in only:
        rows += [memory_of(name, task, pairs) for name, task, pairs, _ in studies()]
    print(json.dumps({"machine": facts, "reps": given.reps, "rows": rows}))


if __name__ == "__main__":
    main()
