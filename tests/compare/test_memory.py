"""The memory that trials are said to take, against what is counted on the live population and in the graph."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from steepest import data, losses, metrics, models, optim
from steepest.compare import Arm, Population, Trial, population
from steepest.compare.engines import Sample, look_at
from steepest.compare.memory import Need, held_bytes
from steepest.compare.race import TrialKey
from steepest.compare.shards import cut_for
from steepest.compare.task import Task
from steepest.core.errors import UsageError
from steepest.optim import schedules

DIGITS = data.load("digits")


def arm(rule=optim.adamw, **options) -> Arm:
    return Arm(loss=losses.cross_entropy, rule=rule, schedule=schedules.constant, **options)


def task_of(build=lambda: models.mlp(64, 10, width=32), **options) -> Task:
    return Task(build, DIGITS, metrics.accuracy, **options)


@pytest.mark.parametrize(("rule", "n_states"), [(optim.adamw, 2), (optim.lion, 1), (optim.sgd, 0)])
def test_a_trial_holds_its_weights_gradients_and_the_states_of_its_rule(rule, n_states):
    model = models.mlp(64, 10, width=32)
    numbers = sum(p.numel() for p in model.parameters())
    found = held_bytes(model, [Trial(arm(rule), 0.1, 0)])
    assert 0 <= found - 4 * numbers * (3 + n_states) < 64  # beside them a step count


def test_what_a_pass_keeps_is_what_the_layers_hand_to_the_backward_pass():
    task = task_of(batch_size=64)
    look = look_at(Sample.of(task, task.build(0), 0))
    inputs, hidden = 64 * 64, 64 * 32
    assert look.largest_bytes == 4 * inputs  # what the flattening gives
    assert look.kept_bytes == 4 * (inputs + 2 * hidden)  # each linear layer keeps its input, which relu keeps too
    assert look_at(Sample.of(task_of(batch_size=128), task.build(0), 0)).kept_bytes == 2 * look.kept_bytes


def test_fewer_trials_pass_together_where_memory_is_short_and_none_is_lost():
    task, trials = task_of(), [Trial(arm(), 1e-3 * (k + 1), k % 2) for k in range(9)]
    need = Need(held_bytes(task.build(0), trials), look_at(Sample.of(task, task.build(0), 0)).passing_bytes)
    narrow = Population(task, trials, horizon=10, memory=9 * need.held + 2 * need.passing)
    assert [len(team.blocks[0][0].seed_rows) for team in narrow._teams] == [1, 2, 2, 2, 2]
    wide = Population(task, trials, horizon=10)
    for population in (narrow, wide):
        population.train(5)
    assert torch.allclose(narrow.mean_loss(), wide.mean_loss(), rtol=1e-6)


def test_too_many_trials_for_the_memory_are_refused_with_the_number_that_fits():
    with pytest.raises(UsageError, match=r"at most \d+ trials fit"):
        Population(task_of(), [Trial(arm(), 1e-3, s) for s in range(40)], horizon=10, memory=2**21)


def test_trials_whose_layers_would_leave_the_cache_pass_in_turn_and_end_the_same(monkeypatch):
    def trained():
        task = task_of(lambda: models.cnn((64,), 10, width=4), batch_size=64)
        asked = Population(task, [Trial(arm(), 1e-3, s % 2) for s in range(6)], horizon=3)
        asked.train(3)
        return asked, torch.cat([p.detach().flatten() for k in range(6) for p in asked.model(k).parameters()])

    together, whole = trained()
    layer = 4 * 64 * 64 * 4  # float32, batches of 64, 4 channels, 8 x 8
    monkeypatch.setattr(population, "CACHED_LAYERS_BYTES", 2 * layer)
    in_turn, parts = trained()
    assert (len(together._teams), len(in_turn._teams)) == (1, 3)
    assert torch.equal(whole, parts)


def test_shards_hold_every_trial_once_and_fit():
    arms = {"a": arm(), "b": arm(optim.lion)}
    keys = [TrialKey(name, lr, seed) for seed in range(7) for name in arms for lr in (0.1, 0.2, 0.3)]
    task = task_of()
    few = cut_for(task, arms, "stacked", memory=2**21)
    assert 1 <= few.most < 32
    assert (cut_for(task, arms, "stacked").most, cut_for(task, arms, "loop").most) == (32, 8)
    for cut in (cut_for(task, arms, "stacked"), few, replace(few, most=1)):
        found = cut.of(keys, arms)
        assert sorted(map(repr, keys)) == sorted(repr(k) for shard in found for k in shard)
        assert max(map(len, found)) <= cut.most and max(map(len, found)) - min(map(len, found)) <= 1


class Wide(nn.Module):
    """One trial of it alone needs more than the limit below."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 4096), nn.ReLU(), nn.Linear(4096, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


def test_a_shard_never_has_less_than_one_trial():
    assert cut_for(task_of(Wide), {"a": arm()}, "stacked", memory=2**20).most == 1


@pytest.mark.parametrize(("width", "n_shards"), [(8, 3), (64, 4), (128, 6), (256, 10)])
def test_the_heavier_the_trials_the_more_shards_and_an_even_number_where_a_cut_costs_little(width, n_shards):
    arms, keys = {"a": arm()}, [TrialKey("a", 0.1, seed) for seed in range(70)]
    shards = cut_for(task_of(lambda: models.mlp(64, 10, width=width)), arms, "stacked").of(keys, arms)
    assert len(shards) == n_shards and {len(shard) for shard in shards} <= {70 // n_shards, 70 // n_shards + 1}


@pytest.mark.parametrize(("width", "n_trials", "n_shards"), [(8, 30, 1), (64, 30, 2), (64, 16, 2), (64, 15, 1)])
def test_a_rung_of_one_population_is_halved_where_two_workers_gain_by_it(width, n_trials, n_shards):
    arms, keys = {"a": arm()}, [TrialKey("a", 0.1, seed) for seed in range(n_trials)]
    assert len(cut_for(task_of(lambda: models.mlp(64, 10, width=width)), arms, "stacked").of(keys, arms)) == n_shards


@pytest.mark.parametrize(("size", "n_shards"), [(8, 2), (28, 4)])
def test_conv_nets_keep_a_core_busy_by_what_passes_so_a_few_of_them_are_several_shards(size, n_shards):
    """Their weights are few: 30 trials would be one shard, and a second process would have nothing to do."""
    x = torch.zeros(300, 1, size, size)
    images = data.Data.of(x, torch.arange(300) % 10, name="images")
    task = Task(lambda: models.cnn((1, size, size), 10), images, metrics.accuracy)
    shards = cut_for(task, {"a": arm()}, "stacked").of([TrialKey("a", 0.1, seed) for seed in range(30)], {"a": arm()})
    assert len(shards) == n_shards
