"""A population is 32 solo runs: same batches, masks, losses and rules give the same parameters, in every engine."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from plain_runs import HORIZON, cases, distance, plain_run, state_of
from torch import nn

from steepest import data, metrics, models
from steepest.compare import Population
from steepest.compare.task import Task

# Steps -> relative difference. Training amplifies rounding: 1e-7 grows to about 1e-5 in 100 steps; ten times that.
TOLERANCE = {torch.float64: {1: 1e-10, 100: 1e-10}, torch.float32: {1: 1e-6, 100: 1e-4}}
N_TRIALS = 32


def mlp() -> nn.Module:
    return models.mlp(64, 10, width=16, norm="batch", dropout=0.25)


def cnn() -> nn.Module:
    return models.cnn((64,), 10, width=4, norm="batch", dropout=0.25)


def grainy_digits() -> data.Data:
    """Digits with a little noise.

    A pixel that is constant within a batch has a gradient of exactly 0 before BatchNorm; in floating point its rounding
    would decide the sign of adagrad's and adam's first steps.
    """
    digits = data.load("digits")
    return data.Data.of(
        digits.x + 2 * torch.randn(digits.x.shape, generator=torch.manual_seed(0)), digits.y, name="grainy digits"
    )


@cache
def task_of(build, dtype) -> Task:
    return Task(build, grainy_digits(), metrics.accuracy, batch_size=16, dtype=dtype)


@cache
def plain(build, dtype) -> list[list[dict]]:
    """The states of the solo runs, trial by trial, look by look; computed once for all engines."""
    return [plain_run(task_of(build, dtype), case, list(TOLERANCE[dtype])) for case in cases(N_TRIALS)]


@pytest.mark.parametrize("engine", ["stacked", "vmap", "loop"])
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("build", [mlp, cnn])
def test_a_population_equals_its_trials_trained_alone(build, dtype, engine):
    population = Population(task_of(build, dtype), [c.trial for c in cases(N_TRIALS)], horizon=HORIZON, engine=engine)
    assert population.engine == engine
    for look, (steps, tolerance) in enumerate(TOLERANCE[dtype].items()):
        population.train(steps - population.step_index)
        gaps = [distance(state_of(population.model(k)), w[look]) for k, w in enumerate(plain(build, dtype))]
        print(build.__name__, dtype, steps, engine, max(gaps))
        assert max(gaps) < tolerance
    assert not population.diverged.any()
