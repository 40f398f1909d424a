"""Trials per minute: a population against a plain loop of torch.nn and torch.optim, the same numbers coming out.

    OMP_NUM_THREADS=1 python bench/population.py [reps]

One thread, loop and population in turn within one process, CPU time. A trial: build the model, train 10 epochs (batch
64) with a mean training loss, score the select part. The loop is what a competent user writes: rows in memory, no
DataLoader, one permutation per epoch, one index per batch. The mixture of losses and optimizers is the same in both.
Difference: of all parameters of a trial after training, float32, the norm over the norm; the median trial and the worst
(training amplifies rounding, the more the higher the learning rate). The last line is JSON.
"""

from __future__ import annotations

import itertools
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from steepest import data, losses, metrics, models, optim
from steepest.compare import Arm, Population, Trial
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


def timed(ways: Sequence[Callable[[], Any]], reps: int) -> list[list[float]]:
    """CPU seconds of each way, taken in turn."""
    seconds: list[list[float]] = [[] for _ in ways]
    for _ in range(reps):
        for way, own in zip(ways, seconds):
            start = time.process_time()
            way()
            own.append(time.process_time() - start)
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


def main() -> None:
    torch.set_num_threads(1)
    reps = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    digits, cancer = data.load("digits"), data.load("breast_cancer")
    studies = [
        ("digits 64-64-64-10", Task(lambda: models.mlp(64, 10), digits, metrics.accuracy), CLASS_LOSSES, (8, 32, 128)),
        (
            "cancer 30-64-1",
            Task(lambda: models.mlp(30, 1, depth=1), cancer, metrics.accuracy),
            NUMBER_LOSSES,
            (8, 32, 128),
        ),
        ("digits cnn", Task(lambda: models.cnn((64,), 10), digits, metrics.accuracy), CLASS_LOSSES, (8, 32)),
    ]
    facts = machine()
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    print(
        f"{'':<36} {'loop us/step':>14} {'population':>14} {'loop':>9} {'population':>10} {'ratio of':>13}   difference"
    )
    print(
        f"{'study':<22}{'K':>5} {'engine':<8} {'min/median':>14} {'min/median':>14} "
        f"{'trials/min':>9} {'trials/min':>10} "
        f"{'medians':>6} {'minima':>6}   median/worst"
    )
    rows = [measure(name, task, k, pairs, reps) for name, task, pairs, sizes in studies for k in sizes]
    target = next(r["ratio"] for r in rows if r["trials"] == 32)
    print(json.dumps({"machine": facts, "reps": reps, "digits_mlp_32_ratio": target, "rows": rows}))


if __name__ == "__main__":
    main()
