"""Losses that need numbers for each class take part in a comparison; what the data cannot tell is asked for before it starts."""

from __future__ import annotations

import pytest
import torch

from steepest import data, metrics
from steepest.compare.population import Population
from steepest.compare.arms import arms_of
from steepest.compare.task import Task
from steepest.compare.trial import Trial
from steepest.core.errors import UsageError


def test_a_loss_without_its_table_is_refused_before_anything_is_trained():
    with pytest.raises(UsageError) as caught:
        arms_of("cross_entropy, forward_correction", "adam")
    assert caught.value.where == "forward_correction" and caught.value.seen == "transition was not given"


def test_counts_need_not_be_given_because_the_training_part_tells_them():
    assert len(arms_of("cross_entropy, balanced_softmax", "adam")) == 2


def test_trials_with_different_counts_train_as_each_does_alone():
    draw = torch.Generator().manual_seed(0)
    rows = (torch.randn(60, 4, generator=draw).numpy(), torch.arange(60).remainder(3).numpy())
    task = Task(lambda: torch.nn.Linear(4, 3), data.load(rows), metrics.accuracy, dtype=torch.float64)
    asked = "ldam(class_counts=[50,40,60]|[1,20,3]), balanced_softmax(class_counts=[1,20,3])"
    trials = [Trial(arm.arm, 0.01, 0) for arm in arms_of(asked, "adam")]
    together = Population(task, trials, horizon=5)
    together.train(5)
    for k, trial in enumerate(trials):
        alone = Population(task, [trial], horizon=5)
        alone.train(5)
        for ours, theirs in zip(together.model(k).parameters(), alone.model(0).parameters()):
            torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)
    assert not torch.allclose(together.model(0).weight, together.model(1).weight)
