"""Transforms in a population: each trial is the solo run with the same transforms, SAM and means included."""

from __future__ import annotations

from unittest import mock

import pytest
import torch
from plain_runs import masked_dropout, state_of
from torch import nn
from torch.nn import functional as F

from steepest import data, losses, metrics, optim, transforms
from steepest.compare import Arm, Population, Trial
from steepest.compare.arms import arms_of
from steepest.compare.space import rule_choices
from steepest.compare.task import Task
from steepest.core.errors import UsageError
from steepest.core.streams import generator
from steepest.core.transform import uses_of
from steepest.optim import schedules

HORIZON = 24
CHAINS = (
    "",
    "clip_norm(0.1)",
    "clip_norm(0.5)",
    "sam(0.05)",
    "sam(0.1) + clip_norm(1.0)",
    "ema(0.8)",
    "cautious + decoupled_decay(0.1)",
    "cautious + decoupled_decay(0.3)",
    "lookahead(3) + swa(6)",
    "accumulate(2) + corrected_decay(0.1)",
)


def a_task():
    torch.manual_seed(0)

    def model():
        return nn.Sequential(nn.Linear(13, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))

    return Task(model, data.load("wine"), metrics.accuracy, batch_size=16, dtype=torch.float64)


def trials():
    found = []
    for i, text in enumerate(CHAINS):
        arm = Arm(
            loss=losses.cross_entropy,
            rule=optim.adamw if i % 2 else optim.sgd,
            rule_hyper={} if i % 2 else {"momentum": 0.9},
            schedule=schedules.warmup_cosine,
            transforms=uses_of(text, transforms),
            name=str(i),
        )
        found.append(Trial(arm, 3e-3 if i % 2 else 0.02, i % 2))
    return found


def solo(task, trial, n):
    """One run in a plain loop with our optimizer; the weights after it, and those that are judged."""
    arm, model, part = trial.arm, task.build(trial.seed).train(), task.train_set(trial.seed)
    optimizer = getattr(optim, arm.rule.class_name)(
        model.parameters(), lr=trial.learning_rate, transforms=arm.transforms, **arm.rule_hyper
    )
    for step in range(n):
        epoch, batch = divmod(step, task.steps_per_epoch)
        if batch == 0:
            order = torch.randperm(len(part.y), generator=generator("batches", task.seed, trial.seed, epoch))
            batches = order.split(task.batch_sizes)
        for group in optimizer.param_groups:
            group["lr"] = trial.learning_rate * float(arm.schedule(step, HORIZON))
            group["initial_lr"] = trial.learning_rate

        def closure(step=step, rows=batches[batch]):
            optimizer.zero_grad()
            with mock.patch.multiple(F, **masked_dropout(task.seed, trial.seed, step)):
                loss = F.cross_entropy(model(part.x[rows]), part.y[rows])
            loss.backward()
            return loss

        optimizer.step(closure)
    trained = state_of(model)
    optimizer.eval()
    return trained, state_of(model)


@pytest.mark.parametrize("engine", ["stacked", "vmap", "loop"])
def test_every_trial_is_its_solo_run_with_the_same_transforms(engine):
    task, some = a_task(), trials()
    population = Population(task, some, horizon=HORIZON, engine=engine)
    population.train(HORIZON)
    for k, trial in enumerate(some):
        _, wanted = solo(task, trial, HORIZON)
        found = population.model(k).state_dict()
        for name, value in wanted.items():
            # 1e-9: rounding that 24 steps of training have amplified
            assert torch.allclose(found[name].double(), value.double(), rtol=1e-9, atol=1e-10), (CHAINS[k], name)


def test_looking_at_the_judged_weights_leaves_the_training_as_it_is():
    task, some = a_task(), trials()
    watched, alone = (Population(task, some, horizon=HORIZON) for _ in range(2))
    for _ in range(6):
        watched.train(4)
        alone.train(4)
        watched.predict(task.select_set(0))
    parts = task.select_set(0)
    assert torch.equal(watched.predict(parts), alone.predict(parts))
    ema = CHAINS.index("ema(0.8)")
    assert not torch.equal(
        watched.model(ema)[0].weight, solo(task, some[ema], HORIZON)[0]["0.weight"].to(torch.float64)
    )


def test_words_make_arms_with_transforms():
    choices = rule_choices("adamw(beta1=0.9) + clip_norm(0.5|1) + cautious, sgd")
    assert [c.text for c in choices] == [
        "adamw(beta1=0.9) + clip_norm(max_norm=0.5) + cautious",
        "adamw(beta1=0.9) + clip_norm(max_norm=1) + cautious",
        "sgd",
    ]
    again = rule_choices(", ".join(c.text for c in choices))
    assert [c.text for c in again] == [c.text for c in choices]
    arms = arms_of("mse", "adamw", baseline="mse + sgd(lr=0.1) + clip_norm(1.0) + cosine")
    base = next(a for a in arms if a.is_baseline)
    assert base.optimizer == "sgd(lr=0.1) + clip_norm(max_norm=1)" and base.schedule == "cosine"
    for bad in ("adamw(weight_decay=0.1) + l2(0.1)", "adamw + l2 + cautious_decay", "adamw + ema + ema"):
        with pytest.raises(UsageError):
            rule_choices(bad)
    with pytest.raises(UsageError, match="only an optimizer is followed by transforms"):
        arms_of("mse + cautious", "adamw, sgd")
