"""A plateau in a comparison: each trial's rate falls when torch's scheduler lets it, and the script does the same."""

from __future__ import annotations

import pytest
import torch
from test_eject import SEED, asked, defined_by, written
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from steepest.compare.answering import Answering
from steepest.compare.arms import arms_of
from steepest.compare.population import Population
from steepest.compare.prepare import prepared
from steepest.compare.race import TrialKey
from steepest.compare.space import schedule_choices
from steepest.compare.trainer import Shard
from steepest.compare.trial import Trial
from steepest.core.errors import UsageError
from steepest.core.progress import Silent
from steepest.results.records import RungRecord


def test_each_trial_answers_to_its_own_scores_as_torchs_scheduler_does():
    names = "constant, constant + plateau(patience=1, factor=0.5), cosine + plateau(patience=3, threshold=0.02)"
    arms = [choice.arm for choice in arms_of("mse", "sgd", names)]
    trials = [Trial(arms[k % 3], 0.1, k) for k in range(7)]
    draw = torch.Generator().manual_seed(0)
    scores = torch.rand(30, 7, generator=draw, dtype=torch.float64)
    scores[4, 5] = torch.nan
    answering = Answering(trials, "max")
    found = torch.stack([answering.after(row) for row in scores])
    for k, trial in enumerate(trials):
        torchs = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
        words = dict(trial.arm.reduction_hyper)
        scheduler = ReduceLROnPlateau(torchs, "max", eps=0, **{"factor": 0.1, **words})
        for epoch in range(30):
            scheduler.step(float(scores[epoch, k]))
            expected = torchs.param_groups[0]["lr"] if trial.arm.reduction else 1.0
            assert float(found[epoch, k]) == pytest.approx(expected, rel=1e-12)
    assert found[-1].unique().numel() > 2  # trials differ: the test sees something


def trained(study, request, epochs):
    """The outcomes of a rung of two arms and two seeds, and the multipliers that were set on the way."""
    keys = tuple(TrialKey(a.arm.name, 0.3, seed) for a in request.arms[:2] for seed in (0, 1))
    return study.train(Shard(RungRecord("look", "race", epochs, [0, 1]), keys)).outcomes


def test_a_trial_with_a_plateau_beside_one_without_leaves_its_bits_alone():
    outcomes = {}
    for names in ("constant, constant + plateau(patience=0)", "constant, linear"):
        _, request, _ = asked(losses="cross_entropy", optimizers="sgd", schedules=names)
        study = prepared(request, command=None, bar=Silent()).trainer
        outcomes[names] = trained(study, request, 6)
    with_plateau, without = outcomes.values()
    for mine, other in zip(with_plateau[:2], without[:2]):  # those of the constant rate
        assert mine.curve == other.curve and mine.loss_curve == other.loss_curve
    assert with_plateau[2].loss_curve != with_plateau[0].loss_curve  # the plateau did something


@pytest.mark.parametrize("optimizer", ["sgd", pytest.param("adamw + ema(0.9)", marks=pytest.mark.slow)])
def test_an_ejected_script_lowers_its_rate_after_the_same_epochs(optimizer):
    plan, request, task = asked(optimizers=optimizer, schedules="linear + plateau(patience=0, factor=0.2)")
    arm, lr = request.arms[0].arm, 0.5
    names = defined_by(written(plan, request, task, arm, lr).text)
    found = names["train"](*names["load"](), SEED).state_dict()
    population = Population(task, [Trial(arm, lr, SEED)], horizon=3 * task.steps_per_epoch, engine="loop")
    answering, lowest = Answering(population.trials, task.metric.best), 1.0
    for _ in range(3):
        population.train(task.steps_per_epoch)
        part = task.select_set(SEED)
        lowest = answering.after(task.score(task.metric, population.predict(part), part))
        population.reduce(lowest)
    for name, value in population.model(0).state_dict().items():
        assert float((found[name] - value).abs().max() / value.abs().max()) < 1e-5
    assert optimizer != "sgd" or float(lowest) < 1  # it has fallen


@pytest.mark.parametrize(
    ("asked_for", "texts"),
    [
        ("plateau", ["constant + plateau"]),
        (
            "cosine, cosine + plateau(patience=2|4)",
            ["cosine", "cosine + plateau(patience=2)", "cosine + plateau(patience=4)"],
        ),
        ("one_cycle(warmup=0.2) + plateau", ["one_cycle(warmup=0.2) + plateau"]),
    ],
)
def test_a_plateau_is_read_behind_a_schedule_and_its_text_reads_again(asked_for, texts):
    found = schedule_choices(asked_for)
    assert [choice.text for choice in found] == texts
    assert schedule_choices(", ".join(texts)) == found


@pytest.mark.parametrize(
    "bad", ["plateau + cosine", "cosine + linear", "plateau(best='max')", "cosine + plateau + plateau"]
)
def test_what_makes_no_sense_behind_a_schedule_is_refused(bad):
    with pytest.raises(UsageError, match="needed"):
        schedule_choices(bad)


def test_a_baseline_may_name_a_plateau():
    arms = arms_of("mse", "sgd", "constant", baseline="mse + adamw(lr=0.01) + clip_norm(1.0) + cosine + plateau")
    base = next(a for a in arms if a.is_baseline)
    assert base.schedule == "cosine + plateau" and base.arm.reduction.name == "plateau"
    assert [use.text for use in base.arm.transforms] == ["clip_norm(max_norm=1)"]
