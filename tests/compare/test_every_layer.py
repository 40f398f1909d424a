"""Every kind of layer in torch.nn trains in a population, stacked or with a message, and equals solo runs."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from layers import LAYERS, NOISY, Around, kinds
from plain_runs import HORIZON, Case, distance, plain_run, state_of
from torch.nn import functional as F

from steepest import data, losses, metrics, optim
from steepest.compare import Arm, Population, Trial
from steepest.compare.engines import ENGINES
from steepest.compare.task import Task
from steepest.core.streams import generator
from steepest.optim import schedules

N_STEPS = 3
EPS = 1e-2
"""Large: the bias of an attention's keys has a gradient of exactly 0, whose rounding Adam would divide by itself."""
QUICK = (
    "Linear Conv2d ConvTranspose1d BatchNorm1d MaxPool2d Embedding MultiheadAttention GRU LSTM Bilinear MaxUnpool2d "
    "Dropout1d RReLU TransformerEncoder TransformerDecoder"
).split()


@cache
def few_digits() -> data.Data:
    digits = data.load("digits")
    rows = torch.randperm(len(digits.y), generator=generator("rows"))[:300]
    noise = torch.randn(300, 64, generator=generator("noise"))
    return data.Data.of(digits.x[rows] + 2 * noise, digits.y[rows], name="few digits")


def check(name: str) -> tuple[str, str]:
    """(engine, message) of a population that was found equal to its trials trained alone."""
    task = Task(lambda: Around(LAYERS[name]), few_digits(), metrics.accuracy, batch_size=16, dtype=torch.float64)
    arms = [
        (Arm(loss=losses.cross_entropy, rule=optim.sgd, schedule=schedules.constant), torch.optim.SGD),
        (
            Arm(loss=losses.cross_entropy, rule=optim.adam, rule_hyper={"eps": EPS}, schedule=schedules.constant),
            lambda p, lr: torch.optim.Adam(p, lr, eps=EPS),
        ),
    ]
    cases = [Case(Trial(arm, 0.01, seed), F.cross_entropy, own) for arm, own in arms for seed in (0, 1)]
    together = Population(task, [c.trial for c in cases], horizon=HORIZON)
    together.train(N_STEPS)
    assert together.engine in ENGINES and together.message
    for k, case in enumerate(cases):
        if name in NOISY:
            alone = Population(task, [case.trial], horizon=HORIZON)
            alone.train(N_STEPS)
            wanted = state_of(alone.model(0))
        else:
            wanted = plain_run(task, case, [N_STEPS])[0]
        assert distance(state_of(together.model(k)), wanted) < 1e-10
    return together.engine, together.message


def test_the_table_holds_every_layer_of_torch():
    assert kinds() == set(LAYERS)


@pytest.mark.parametrize("name", QUICK)
def test_a_layer_trains_in_a_population_as_it_does_alone(name):
    check(name)


@pytest.mark.slow  # 25 s: the rest of torch.nn
@pytest.mark.parametrize("name", sorted(set(LAYERS) - set(QUICK)))
def test_every_other_layer_does_so_too(name):
    check(name)
