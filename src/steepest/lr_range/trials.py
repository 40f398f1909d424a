"""Short runs at fixed learning rates, all at once: what the training loss has come to at each rate of a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from steepest.compare.population import Population
from steepest.compare.task import Task
from steepest.compare.trainer import one_thread
from steepest.compare.trial import Arm, Trial
from steepest.core.progress import Progress

LAST_SHARE = 0.25
"""The share of the steps whose mean loss is taken: one batch says little."""
MOST_TRIALS = 128


@dataclass(frozen=True)
class Measured:
    """losses[r][s]: the mean loss of the last steps at rate r with seed s, NaN where the run diverged.

    first: the mean loss of the first step over the seeds, before anything was learned.
    """

    rates: tuple[float, ...]
    losses: tuple[tuple[float, ...], ...]
    first: float


def measure(
    task: Task, arms: Sequence[Arm], rates: Sequence[Sequence[float]], n_steps: int, n_seeds: int, bar: Progress
) -> list[Measured]:
    """Every arm at each of its rates with every seed. All trials of a seed see the same batches from the same start."""
    trials = [Trial(arm, rate, seed) for arm, own in zip(arms, rates) for rate in own for seed in range(n_seeds)]
    n_chunks = -(-len(trials) // MOST_TRIALS)
    size = -(-len(trials) // n_chunks)
    last, first = [], []
    with one_thread():
        for start in range(0, len(trials), size):
            some = trials[start : start + size]
            found = _run(Population(task, some, horizon=n_steps), n_steps)
            first += found[0]
            last += found[1]
            bar.advance(len(some))
    return _by_arm(last, first, rates, n_seeds)


def _run(population: Population, n_steps: int) -> tuple[list[float], list[float]]:
    """The losses of the first step, and the mean losses of the last ones."""
    n_last = max(1, round(LAST_SHARE * n_steps))
    population.train(1)
    first = population.mean_loss()
    if n_steps > n_last:
        population.train(n_steps - n_last - 1)
        population.mean_loss()
        population.train(n_last)
    else:
        population.train(n_steps - 1)
    last = population.mean_loss() if n_steps > 1 else first
    return first.tolist(), torch.where(population.diverged, torch.nan, last).tolist()


def _by_arm(
    last: Sequence[float], first: Sequence[float], rates: Sequence[Sequence[float]], n_seeds: int
) -> list[Measured]:
    found, at = [], 0
    for own in rates:
        n = len(own) * n_seeds
        of_rates = tuple(tuple(last[i : i + n_seeds]) for i in range(at, at + n, n_seeds))
        found.append(Measured(tuple(own), of_rates, math.fsum(first[at : at + n]) / n))
        at += n
    return found
