"""Losses that need a number for each class take part in a comparison, and are refused before it starts where it is missing."""

from __future__ import annotations

import pytest
import torch

from steepest import data, metrics
from steepest.compare.population import Population
from steepest.compare.space import arms_of
from steepest.compare.task import Task
from steepest.compare.trial import Trial
from steepest.core.errors import UsageError


def test_a_loss_without_its_counts_is_refused_before_anything_is_trained():
    with pytest.raises(UsageError) as caught:
        arms_of("cross_entropy, balanced_softmax", "adam")
    assert caught.value.where == "balanced_softmax" and caught.value.seen == "class_counts was not given"


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
