"""What a seed fixes: split, scale, batches, initialisation; and what a task refuses."""

from __future__ import annotations

import random

import numpy
import pytest
import torch
from torch import nn

from steepest import data, losses, metrics, models, optim
from steepest.compare import Arm
from steepest.compare.task import Task
from steepest.core.errors import DataError, MetricError, ModelError, NotComparable, UsageError
from steepest.data.split import draw_split, shares_of
from steepest.optim import schedules

DIGITS, DIABETES, CANCER = data.load("digits"), data.load("diabetes"), data.load("breast_cancer")


def digits_task(**options) -> Task:
    return Task(lambda: models.mlp(64, 10, width=8), DIGITS, metrics.accuracy, **options)


def diabetes_task(**options) -> Task:
    return Task(lambda: models.mlp(10, 1, width=8), DIABETES, metrics.mean_squared_error, **options)


def arm(loss) -> Arm:
    return Arm(loss=loss, rule=optim.adam, schedule=schedules.constant)


# -- splits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", [digits_task(), diabetes_task()])
def test_the_parts_share_no_row_and_leave_none_out(task):
    for seed in range(3):
        split = task.split(seed)
        rows = torch.cat([split.train, split.select, split.test])
        assert torch.equal(rows.sort().values, torch.arange(task.data.n_samples))
        assert len(split.test) == round(0.2 * task.data.n_samples) and abs(len(split.select) - len(split.test)) <= 1


def test_the_test_part_is_that_of_the_study_and_the_rest_that_of_the_seed():
    a, b = digits_task(seed=0), digits_task(seed=1)
    assert torch.equal(a.split(0).test, a.split(1).test) and torch.equal(a.split(0).test, digits_task().split(0).test)
    assert not torch.equal(a.split(0).select, a.split(1).select) and len(a.split(0).select) == len(a.split(1).select)
    assert not torch.equal(a.split(0).test, b.split(0).test) and not torch.equal(a.train_set(0).x, b.train_set(0).x)


def test_few_samples_are_tested_on_other_ones_by_every_seed():
    """diabetes: 442 samples, 88 to test on; 20 seeds leave 442 x 0.8^20 = 5 that nobody tested."""
    task = diabetes_task()
    tested = [task.split(seed).test for seed in range(20)]
    assert task.resamples and not digits_task().resamples
    assert len(torch.cat(tested).unique()) > 420 and torch.equal(tested[3], diabetes_task().split(3).test)


def test_each_class_gives_its_share():
    rare = torch.tensor([0] * 80 + [1] * 15 + [2] * 5)
    split = draw_split(100, rare, 0, study_seed=0, select_share=0.2, test_share=0.2)
    assert [torch.bincount(rare[rows]).tolist() for rows in (split.train, split.select, split.test)] == [
        [48, 9, 3],
        [16, 3, 1],
        [16, 3, 1],
    ]


def test_a_class_of_one_row_stays_in_the_training_part():
    labels = torch.tensor([0] * 30 + [1])
    for seed in range(20):
        split = draw_split(31, labels, seed, study_seed=seed, select_share=0.3, test_share=0.3)
        assert 30 in split.train.tolist()


def test_shares_of_many_tiny_classes_add_up():
    assert sum(shares_of([2] * 50, 20)) == 20 and max(shares_of([2] * 50, 20)) == 1
    assert shares_of([1, 1, 1], 2) == [0, 0, 0]


@pytest.mark.parametrize(("select", "test"), [(0.0, 0.2), (0.2, 1.0), (0.5, 0.5), (float("nan"), 0.2)])
def test_shares_that_leave_nothing_are_refused(select, test):
    with pytest.raises(UsageError, match="0.2"):
        digits_task(select_share=select, test_share=test)


def test_too_few_rows_are_refused():
    with pytest.raises(DataError, match="2 rows leave none"):
        draw_split(2, None, 0, study_seed=0, select_share=0.2, test_share=0.2)


# -- scales ----------------------------------------------------------------------------------------------------------


def test_tables_are_standardised_per_feature_by_the_training_rows_alone():
    task = Task(lambda: models.mlp(30, 2, width=8), CANCER, metrics.accuracy, dtype=torch.float64)
    rows = CANCER.x.double()[task.split(3).train].numpy()
    for part, own in ((task.train_set(3), task.split(3).train), (task.test_set(3), task.split(3).test)):
        expected = (CANCER.x.double()[own].numpy() - rows.mean(0)) / rows.std(0)
        assert numpy.allclose(part.x.numpy(), expected, atol=1e-12)


def test_images_are_standardised_by_one_number():
    images = data.Data.of(DIGITS.x.reshape(-1, 1, 8, 8), DIGITS.y)
    task = Task(lambda: models.cnn((1, 8, 8), 10, width=2), images, metrics.accuracy)
    x = task.train_set(0).x
    assert (
        abs(x.mean()) < 1e-4 and abs(x.std() - 1) < 1e-3 and not torch.allclose(x.std(0), torch.ones(1, 8, 8), atol=0.1)
    )


def test_a_constant_column_stays_finite_and_is_not_blown_up():
    x = torch.randn(60, 3, generator=torch.manual_seed(0))
    x[:, 1] = 0.1
    x[:, 2] = 1e6
    task = Task(lambda: nn.Linear(3, 2), data.Data.of(x, torch.arange(60) % 2), metrics.accuracy)
    assert task.train_set(0).x[:, 1:].abs().max() < 1e-6


# -- batches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_train", "batch", "sizes"), [(10, 4, (4, 4, 2)), (9, 4, (4, 5)), (8, 4, (4, 4)), (3, 8, (3,)), (5, 1, (1,) * 5)]
)
def test_the_last_batch_is_used_and_never_a_single_row(n_train, batch, sizes):
    task = digits_task(batch_size=batch)
    task.n_train, task.batch_size = n_train, min(batch, n_train)
    assert task.batch_sizes == sizes and task.steps_per_epoch == len(sizes)


def test_an_epoch_reads_every_training_row_once_in_the_seeds_own_order():
    task = digits_task()
    assert torch.equal(task.order(0, 0).sort().values, task.split(0).train)
    assert torch.equal(task.order(0, 0), digits_task().order(0, 0))
    assert not torch.equal(task.order(0, 0), task.order(0, 1)) and sum(task.batch_sizes) == task.n_train


# -- models ----------------------------------------------------------------------------------------------------------


def test_a_seed_fixes_the_initialisation_whatever_generator_the_model_draws_from():
    def build():
        model = nn.Linear(64, 10)
        model.bias.data[0], model.bias.data[1] = random.random(), numpy.random.rand()
        return model

    task = Task(build, DIGITS, metrics.accuracy)
    states = random.getstate(), numpy.random.get_state()[1].tolist(), torch.get_rng_state()
    a, again, b = (torch.cat([p.flatten() for p in task.build(seed).parameters()]) for seed in (0, 0, 1))
    assert torch.equal(a, again) and bool((a != b).all())
    assert random.getstate() == states[0] and numpy.random.get_state()[1].tolist() == states[1]
    assert torch.equal(torch.get_rng_state(), states[2])


def test_float64_takes_what_is_float32_and_leaves_the_rest():
    def build():
        model = nn.BatchNorm1d(64)
        model.head = nn.Linear(64, 10).bfloat16()
        model.forward = lambda x: model.head(nn.BatchNorm1d.forward(model, x).bfloat16()).double()
        return model

    model = Task(build, DIGITS, metrics.accuracy, dtype=torch.float64).build(0)
    assert {str(t.dtype) for t in model.state_dict().values()} == {"torch.float64", "torch.int64", "torch.bfloat16"}


# -- targets and scores ----------------------------------------------------------------------------------------------


def test_targets_take_the_form_that_the_loss_asks_for():
    task, y = digits_task(), torch.tensor([3, 0])
    assert task.encode(losses.cross_entropy, y).tolist() == [3, 0]
    assert task.encode(losses.mse, y).tolist() == torch.eye(10)[[3, 0]].tolist()
    one = Task(lambda: nn.Linear(30, 1), CANCER, metrics.accuracy)
    assert one.encode(losses.bce_with_logits, torch.tensor([0, 1])).tolist() == [[0.0], [1.0]]
    assert diabetes_task().encode(losses.mse, torch.ones(5)).shape == (5, 1)


def test_a_regression_is_scored_in_the_units_of_the_data():
    from sklearn.metrics import mean_squared_error

    task = diabetes_task(dtype=torch.float64)
    seeds, generator = (0, 1, 2), torch.manual_seed(0)
    parts = [task.select_set(seed) for seed in seeds]
    guesses = torch.randn(3, len(parts[0].y), 1, generator=generator, dtype=torch.float64)
    scores = task.score(metrics.mean_squared_error, guesses, parts)
    for k, seed in enumerate(seeds):
        train, own = (DIABETES.y.double().numpy()[rows] for rows in (task.split(seed).train, task.split(seed).select))
        in_units = guesses[k, :, 0].numpy() * train.std() + train.mean()
        assert scores[k].item() == pytest.approx(mean_squared_error(own, in_units), rel=1e-12)


def test_a_prediction_that_is_not_finite_scores_nan_and_the_others_theirs():
    task, part = digits_task(), digits_task().select_set(0)
    outputs = nn.functional.one_hot(part.y, 10).float().repeat(3, 1, 1)
    outputs[1, 5, 2] = torch.nan
    scores = task.score(metrics.accuracy, outputs, part)
    assert scores.dtype == torch.float64 and scores[0] == scores[2] == 1 and scores[1].isnan()


def test_one_logit_means_class_one_above_zero():
    task = Task(lambda: nn.Sequential(nn.Linear(30, 1), nn.Flatten(0)), CANCER, metrics.accuracy)
    part = task.select_set(0)
    assert task.score(metrics.accuracy, (part.y * 2.0 - 1).unsqueeze(0), part).tolist() == [1.0]


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "source", "words"),
    [
        (lambda: nn.Linear(64, 7), DIGITS, "10 outputs were needed, one per class"),
        (lambda: nn.Linear(32, 10), DIGITS, r"One row has shape \(64,\)"),
        (lambda: nn.Linear(64, 1), DIGITS, "10 outputs were needed"),
        (lambda: nn.Linear(10, 2), DIABETES, r"1 output\(s\)"),
        (lambda: "no model", DIGITS, "the factory gave a str"),
        (lambda: nn.LSTM(64, 10), DIGITS, "2 rows gave tuple"),
    ],
)
def test_a_model_that_does_not_fit_the_data_is_refused_with_the_repair(build, source, words):
    metric = metrics.accuracy if source is DIGITS else metrics.mean_squared_error
    with pytest.raises(ModelError, match=words):
        Task(build, source, metric)


def test_losses_and_metrics_that_do_not_fit_are_refused_with_the_repair():
    with pytest.raises(NotComparable, match="mse, huber, l1"):
        diabetes_task().check(arm(losses.cross_entropy))
    with pytest.raises(NotComparable, match="of either sign"):
        diabetes_task().check(arm(losses.msle))
    with pytest.raises(NotComparable, match="a loss of such targets"):
        digits_task().check(arm(losses.gaussian_nll))
    with pytest.raises(NotComparable, match="bce_with_logits"):
        Task(lambda: nn.Linear(30, 1), CANCER, metrics.accuracy).check(arm(losses.cross_entropy))
    with pytest.raises(NotComparable, match="log-softmax"):
        digits_task().check(arm(losses.nll))
    Task(lambda: nn.Sequential(nn.Linear(64, 10), nn.LogSoftmax(1)), DIGITS, metrics.accuracy).check(arm(losses.nll))
    with pytest.raises(MetricError, match="accuracy"):
        Task(lambda: nn.Linear(64, 10), DIGITS, metrics.mean_squared_error)
    with pytest.raises(UsageError, match="batch_size"):
        digits_task(batch_size=0)
