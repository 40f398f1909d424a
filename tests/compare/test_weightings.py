"""Weightings as a part of the arm: every trial's class weights are those of its own seed's training part, in every engine."""

from __future__ import annotations

import json

import pytest
import torch
from plain_runs import HORIZON
from torch import nn

from steepest import losses, metrics, optim
from steepest.compare import Arm, Population, Trial, compare, resume
from steepest.compare.arms import arms_of
from steepest.compare.task import Task
from steepest.core.declare import loss
from steepest.core.errors import NotComparable, UnknownName
from steepest.core.streams import generator
from steepest.core.targets import Classes, classes
from steepest.data import load
from steepest.losses import weightings
from steepest.optim import schedules


def table(n: int = 143, seed: int = 0):
    """Three overlapping classes, 100 : 31 : 12."""
    draw = generator("imbalanced", seed)
    y = torch.repeat_interleave(torch.arange(3), torch.tensor([n - 43, 31, 12]))[torch.randperm(n, generator=draw)]
    x = torch.randn(n, 5, generator=draw) + torch.nn.functional.one_hot(y, 5)
    return load((x.numpy(), y.numpy()), task="classification")


def task(dtype=torch.float64) -> Task:
    return Task(lambda: nn.Linear(5, 3), table(), metrics.accuracy, batch_size=16, dtype=dtype)


def arm(loss, weighting=None, **options) -> Arm:
    hyper = options.pop("weighting_hyper", {})
    return Arm(
        loss=loss, loss_options=options, weighting=weighting, weighting_hyper=hyper, rule=optim.sgd,
        schedule=schedules.constant, name="a",
    )


def solo(task: Task, trial: Trial, torch_way) -> torch.Tensor:
    """The same training in plain torch, class weights from a count of the seed's own training labels."""
    model = task.build(trial.seed)
    part, rows = task.train_set(trial.seed), task.split(trial.seed).train
    counts = [int((task.data.y[rows] == c).sum()) for c in range(3)]
    place = {int(r): i for i, r in enumerate(rows)}
    optimizer = torch.optim.SGD(model.parameters(), lr=trial.learning_rate)
    for epoch in range(3):
        order = torch.tensor([place[int(r)] for r in task.order(trial.seed, epoch)])
        for batch in order.split(list(task.batch_sizes)):
            optimizer.zero_grad()
            torch_way(model(part.x[batch]), part.y[batch], counts).backward()
            optimizer.step()
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def balanced(counts) -> torch.Tensor:
    return torch.tensor([sum(counts) / (3 * n) for n in counts], dtype=torch.float64)


def rooted(counts) -> torch.Tensor:
    raw = torch.tensor([n**-0.5 for n in counts], dtype=torch.float64)
    return raw * sum(counts) / sum(n * w for n, w in zip(counts, raw))


def focused(z, y, n) -> torch.Tensor:
    weight = (1 - z.detach().softmax(1).gather(1, y.unsqueeze(1))[:, 0]) ** 1.5
    return (weight * nn.functional.cross_entropy(z, y, reduction="none")).sum() / weight.sum()


CASES = [
    (arm(losses.cross_entropy), lambda z, y, n: nn.functional.cross_entropy(z, y)),
    (arm(losses.cross_entropy, weightings.inverse_frequency), lambda z, y, n: nn.functional.cross_entropy(z, y, balanced(n))),
    (arm(losses.cross_entropy, weightings.square_root), lambda z, y, n: nn.functional.cross_entropy(z, y, rooted(n))),
    (
        arm(losses.cross_entropy, weightings.inverse_frequency, label_smoothing=0.1),
        lambda z, y, n: nn.functional.cross_entropy(z, y, balanced(n), label_smoothing=0.1),
    ),
    (
        arm(losses.cross_entropy, weightings.inverse_frequency, normalize="count"),
        lambda z, y, n: nn.functional.cross_entropy(z, y, balanced(n), reduction="sum") / len(y),
    ),
    (
        arm(losses.square, weightings.inverse_frequency),
        lambda z, y, n: (balanced(n)[y] * (z - nn.functional.one_hot(y, 3)).square().mean(1)).sum() / balanced(n)[y].sum(),
    ),
    (
        arm(losses.cross_entropy, weightings.logit_adjustment, weighting_hyper={"tau": 0.7}),
        lambda z, y, n: nn.functional.cross_entropy(z + 0.7 * (torch.tensor(n).double() / sum(n)).log(), y),
    ),
    (arm(losses.cross_entropy, weightings.focal_style, weighting_hyper={"gamma": 1.5}), focused),
]


@pytest.mark.parametrize("engine", ["stacked", "vmap", "loop"])
def test_weighted_trials_equal_plain_torch_with_the_weights_of_their_own_seed(engine):
    own = task()
    assert own.class_counts(0).sum() == own.n_train
    trials = [Trial(a, 0.05, seed) for seed in (0, 1) for a, _ in CASES]
    population = Population(own, trials, horizon=HORIZON, engine=engine)
    population.train(3 * own.steps_per_epoch)
    for k, trial in enumerate(trials):
        found = torch.cat([p.detach().flatten() for p in population.model(k).parameters()])
        torch.testing.assert_close(found, solo(own, trial, CASES[k % len(CASES)][1]), rtol=1e-10, atol=1e-12)


def test_seeds_whose_training_parts_differ_get_weights_that_differ():
    own = task()
    own._splits[0], own._splits[1] = own.split(0), own.split(0)
    labels = own.data.y
    rare = own.split(0).train[labels[own.split(0).train] == 2][:2]
    keep = ~torch.isin(own.split(0).train, rare)
    own._splits[1] = type(own.split(0))(own.split(0).train[keep], own.split(0).select, own.split(0).test)
    weighted = arm(losses.cross_entropy, weightings.inverse_frequency)
    first, second = (own.from_classes(weighted, seed)["class_weight"] for seed in (0, 1))
    assert second[2] > first[2]


def test_a_population_of_weighted_trials_is_no_other_in_company_than_alone():
    own = task()
    trials = [Trial(a, 0.05, seed) for seed in (0, 1) for a, _ in CASES]
    together = Population(own, trials, horizon=HORIZON)
    together.train(7)
    alone = Population(own, [trials[8]], horizon=HORIZON)
    alone.train(7)
    for a, b in zip(together.model(8).parameters(), alone.model(0).parameters()):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-13)


def test_a_loss_of_class_counts_is_given_those_of_the_training_part():
    @loss(target=classes, task="classification", use="a test", source="a test", slow=lambda: 0.0)
    def counted(input: torch.Tensor, target: Classes, *, class_counts: torch.Tensor) -> torch.Tensor:
        adjusted = input + (class_counts / class_counts.sum()).log().reshape(-1, *[1] * (input.dim() - 2))
        return target.expect(adjusted.logsumexp(1, keepdim=True) - adjusted)

    def by_hand(z, y, n):
        share = torch.tensor(n, dtype=torch.float64) / sum(n)
        return nn.functional.cross_entropy(z + share.log(), y)

    own = task()
    trials = [Trial(arm(counted), 0.05, seed) for seed in (0, 1)]
    population = Population(own, trials, horizon=HORIZON)
    population.train(3 * own.steps_per_epoch)
    for k, trial in enumerate(trials):
        found = torch.cat([p.detach().flatten() for p in population.model(k).parameters()])
        torch.testing.assert_close(found, solo(own, trial, by_hand), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("loss", [item for item in losses if "class_counts" in item.hyper], ids=lambda item: item.name)
@pytest.mark.parametrize("engine", ["stacked", "loop"])
def test_every_loss_of_class_counts_trains_in_a_population(loss, engine):
    own = task()
    trials = [Trial(arm(loss), 0.05, seed) for seed in (0, 1)]
    population = Population(own, trials, horizon=HORIZON, engine=engine)
    population.train(3 * own.steps_per_epoch)
    for k, trial in enumerate(trials):
        found = torch.cat([p.detach().flatten() for p in population.model(k).parameters()])
        by_itself = solo(own, trial, lambda z, y, n: loss(z, y, class_counts=[float(c) for c in n]))
        torch.testing.assert_close(found, by_itself, rtol=1e-10, atol=1e-12)


# -- arms ----------------------------------------------------------------------------------------------------------------------


def test_arms_are_the_product_and_are_named_after_all_of_it():
    arms = arms_of("cross_entropy, focal", "adamw, nadamw", asked_weightings="effective_number(beta=0.99|0.9), none")
    names = [a.arm.name for a in arms]
    assert len(names) == 12 and "cross_entropy x effective_number(beta=0.99) + adamw" in names
    assert [a.arm.name for a in arms if a.is_baseline] == ["cross_entropy + nadamw"]
    weighted = next(a for a in arms if a.weighting == "effective_number(beta=0.9)")
    assert weighted.arm.weighting is weightings.effective_number and weighted.arm.weighting_hyper == {"beta": 0.9}


def test_a_baseline_may_be_weighted():
    arms = arms_of("focal", "adamw", baseline="cross_entropy x square_root + sgd(lr=0.1)")
    assert [a.arm.name for a in arms if a.is_baseline] == ["cross_entropy x square_root + sgd(lr=0.1)"]
    assert "cross_entropy x square_root + sgd" in [a.arm.name for a in arms]


SMALL = {"budget": "4000epochs", "epochs": 20, "progress": False}


def test_a_study_of_weightings_has_a_verdict_and_repeats_from_its_store(tmp_path):
    found = compare(
        "linear", "wine", losses="cross_entropy", weightings="none, inverse_frequency", optimizers="adamw",
        metric="balanced_accuracy", out=tmp_path / "a", **SMALL,
    )
    records = {a.name: a for a in found.study.plan.arms}
    assert set(records) == {"cross_entropy + adamw", "cross_entropy x inverse_frequency + adamw"}
    assert records["cross_entropy x inverse_frequency + adamw"].weighting == "inverse_frequency"
    assert found.study.plan.request["weightings"] == "none, inverse_frequency"
    assert "weightings='none, inverse_frequency'" in found.study.plan.python
    assert "inverse_frequency" in found.study.plan.sources
    again = resume(tmp_path / "a", progress=False)
    assert again.verdict == found.verdict
    verdict = json.loads((tmp_path / "a" / "verdict.json").read_text())
    assert verdict["verdict"] == found.verdict.sentence


@pytest.mark.parametrize(
    ("model", "data", "loss", "repair"),
    [
        ("linear", "wine", "mse", "cross_entropy, focal and square"),
        ("linear", "diabetes", "mse", "task="),
    ],
)
def test_what_cannot_be_weighted_is_refused_with_the_repair(model, data, loss, repair):
    with pytest.raises(NotComparable, match=repair):
        compare(model, data, losses=loss, weightings="inverse_frequency", optimizers="sgd, adamw", **SMALL)


@pytest.mark.parametrize("weighting", ["logit_adjustment", "focal_style"])
def test_a_scheme_that_reads_odds_is_refused_where_a_loss_gives_none(weighting):
    with pytest.raises(NotComparable, match="cross_entropy, focal or gce"):
        compare("linear", "wine", losses="square", weightings=weighting, optimizers="sgd, adamw", **SMALL)


@pytest.mark.parametrize("loss", ["bce", "cosine_embedding", "arcface"])
def test_a_loss_of_probabilities_or_cosines_is_refused_as_an_arm(loss):
    with pytest.raises(NotComparable, match="arms share one model"):
        compare("linear", "wine", losses=loss, optimizers="sgd, adamw", **SMALL)


def test_an_unknown_weighting_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownName, match="inverse_frequency"):
        compare("linear", "wine", weightings="inverse_freqency", **SMALL)
