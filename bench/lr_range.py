"""Which short test finds a good learning rate: runs at fixed rates, or one run whose rate rises.

Run: python bench/lr_range.py. Prints one table and, as its last line, JSON. Truth: the select score of full runs (30
epochs, warmup_cosine, 5 seeds) at each of 17 rates over four decades. Regret: how much worse the full run at the
suggested rate is than at the best one, in points of accuracy, or percent of the mean squared error; at most 100.
5 tasks x 5 optimizers.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
from statistics import fmean, median

import torch
from torch import Tensor

from steepest import metrics, optim
from steepest.compare.population import Population
from steepest.compare.space import loss_choices, rule_choices
from steepest.compare.suits import FITTING
from steepest.compare.task import DEFAULT_METRIC, Task
from steepest.compare.trainer import one_thread
from steepest.compare.trial import Arm, Trial
from steepest.core.declare import schedule
from steepest.core.domains import Log
from steepest.core.progress import Silent
from steepest.data import load
from steepest.lr_range.curve import Curve
from steepest.lr_range.trials import MOST_TRIALS, measure
from steepest.models import factory_of
from steepest.models.facts import Facts

TASKS = (("wine", "mlp"), ("breast_cancer", "mlp"), ("diabetes", "mlp"), ("digits", "mlp"), ("digits", "cnn"))
RULES = "nadamw, sgd(momentum=0.9), sgd, lion, rmsprop"
EPOCHS, SEEDS, N_RATES = 30, 5, 17


@schedule(use="", source="")
def rising(step: Tensor, horizon: Tensor) -> Tensor:
    """The grid's lowest rate at the first step, its highest at the last, evenly in the logarithm."""
    return 10.0 ** (4 * (step / (horizon - 1).clamp(min=1) - 1))


def grid(arm: Arm) -> tuple[float, ...]:
    search = arm.rule.hyper["lr"].search
    assert search is not None
    middle = search.grid(3)[1]
    return tuple(Log(middle / 100, middle * 100).grid(N_RATES))


def arms(loss: str, plan) -> list[Arm]:
    one = loss_choices(loss)[0]
    return [
        Arm(loss=one.item, rule=r.item, rule_hyper=r.options, schedule=plan, name=r.text) for r in rule_choices(RULES)
    ]


def full_scores(task: Task, metric, some: list[Arm]) -> list[list[float]]:
    """The mean select score of full runs by arm and rate; the worst possible one where a run diverged."""
    trials = [Trial(a, r, s) for a in some for r in grid(a) for s in range(SEEDS)]
    n_steps, scores = EPOCHS * task.steps_per_epoch, []
    for start in range(0, len(trials), MOST_TRIALS):
        own = trials[start : start + MOST_TRIALS]
        population = Population(task, own, horizon=n_steps)
        population.train(n_steps)
        parts = [task.select_set(t.seed) for t in own]
        values = task.score(metric, population.predict(task.select_set), parts)
        scores += torch.where(population.diverged | values.isnan(), worst(metric), values).tolist()
    means = [fmean(scores[i : i + SEEDS]) for i in range(0, len(scores), SEEDS)]
    return [means[i : i + N_RATES] for i in range(0, len(means), N_RATES)]


def worst(metric) -> float:
    return 0.0 if metric.best == "max" else 1e9


def rising_losses(task: Task, some: list[Arm], n_steps: int) -> list[list[float]]:
    """One run per arm whose rate rises over the grid: its loss at each step, smoothed as fastai's finder does."""
    population = Population(task, [Trial(a, grid(a)[-1], 0) for a in some], horizon=n_steps)
    found: list[list[float]] = [[] for _ in some]
    means = [0.0] * len(some)
    for i in range(n_steps):
        population.train(1)
        for k, value in enumerate(population.mean_loss().tolist()):
            means[k] = 0.98 * means[k] + 0.02 * value
            found[k].append(means[k] / (1 - 0.98 ** (i + 1)))
    return found


def rate_at(arm: Arm, step: float, n_steps: int) -> float:
    return grid(arm)[0] * 10 ** (4 * step / (n_steps - 1))


def from_rising(arm: Arm, losses: list[float], how: str) -> float:
    """A tenth of the rate at the lowest loss, or the rate at the steepest fall, before the loss has grown fourfold."""
    finite = []
    for x in losses:
        if not math.isfinite(x) or (finite and x > 4 * min(finite)):
            break
        finite.append(x)
    n = len(losses)
    if how == "lowest / 10":
        return rate_at(arm, finite.index(min(finite)), n) / 10
    falls = [b - a for a, b in zip(finite, finite[1:])] or [0.0]
    return rate_at(arm, falls.index(min(falls)), n)


def regret(metric, own: list[float], rates: tuple[float, ...], rate: float) -> float:
    """Of the nearest rate of the grid."""
    i = min(range(len(rates)), key=lambda j: abs(math.log(rates[j] / rate)))
    best = max(own) if metric.best == "max" else min(own)
    return min(100.0, 100 * (best - own[i]) if metric.best == "max" else 100 * (own[i] / best - 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", type=int, choices=range(len(TASKS)), help="one of the tasks, by its number")
    torch.manual_seed(0)
    found: dict[str, list[float]] = {}
    only = parser.parse_args().only
    for name, model in TASKS if only is None else [TASKS[only]]:
        data, build = load(name), factory_of(model)
        metric, facts = metrics[DEFAULT_METRIC[data.task]], Facts.of(data)
        task = Task(lambda build=build, facts=facts: build(facts), data, metric)
        loss = FITTING[task.kind].split(",")[0]
        with one_thread():
            truth = full_scores(task, metric, arms(loss, optim.schedules.warmup_cosine))
            some, risers = arms(loss, optim.schedules.constant), arms(loss, rising)
            for n_steps in (20, 50, 100, 200):
                curves = measure(task, some, [grid(a) for a in some], n_steps, 3, Silent())
                for own, arm, m in zip(truth, some, curves):
                    curve = Curve(loss, arm.name, m.rates, m.losses, m.first)
                    for how, rate in (("as suggested", curve.suggested), ("lowest loss", curve.best)):
                        row = found.setdefault(f"fixed rates, {n_steps} steps, {how}", [])
                        row.append(100.0 if rate is None else regret(metric, own, grid(arm), rate))
            for n_steps in (50, 100, 200):
                for own, arm, losses in zip(truth, risers, rising_losses(task, risers, n_steps)):
                    for how in ("steepest fall", "lowest / 10"):
                        row = found.setdefault(f"one rising run, {n_steps} steps, {how}", [])
                        row.append(regret(metric, own, grid(arm), from_rising(arm, losses, how)))
    print(f"{'test':<44} {'mean':>8} {'median':>8} {'worst':>8}   regret over {len(next(iter(found.values())))} arms")
    for name, row in found.items():
        print(f"{name:<44} {fmean(row):>8.2f} {median(row):>8.2f} {max(row):>8.1f}")
    print(
        json.dumps(
            {
                "python": platform.python_version(),
                "torch": torch.__version__,
                "regret": {n: round(fmean(r), 3) for n, r in found.items()},
            }
        )
    )


if __name__ == "__main__":
    main()
