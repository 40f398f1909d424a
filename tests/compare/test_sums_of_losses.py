"""Arms whose loss is a sum, such as "cross_entropy + 0.5*dice"; and every hyperparameter of every item as an axis."""

from __future__ import annotations

import pytest
import torch
from kinds import TASKS, task_of
from torch import nn

from steepest import losses, optim
from steepest.compare import Arm, Population, Trial, compare
from steepest.compare.arms import arms_of
from steepest.compare.space import loss_choices, rule_choices, schedule_choices, weighting_choices
from steepest.compare.trial import Term
from steepest.core.compose import Heads
from steepest.core.errors import NotComparable, UsageError
from steepest.losses import weightings
from steepest.losses.weightings import Deferred, UncertaintyWeighting
from steepest.optim import schedules, transforms


def arm(*terms: Term) -> Arm:
    first = terms[0]
    return Arm(
        loss=first.loss, loss_options=first.options, factor=first.factor, beside=terms[1:],
        rule=optim.sgd, schedule=schedules.constant,
    )  # fmt: skip


@pytest.mark.parametrize("engine", ["auto", "loop"])
def test_a_sum_trains_as_its_summands_do_together(engine):
    """A population of sums and single losses equals SGD by hand on the sum of our own losses, in float64 to 1e-9."""
    task = task_of("places, some without a class")
    sums = [
        [Term(1.0, losses.cross_entropy), Term(0.5, losses.dice, {"smooth": 2.0})],
        [Term(2.0, losses.focal, {"gamma": 1.0}), Term(0.1, losses.tversky)],
        [Term(0.25, losses.cross_entropy)],
    ]
    trials = [Trial(arm(*terms), 0.1, 0) for terms in sums] + [Trial(arm(Term(1.0, losses.focal)), 0.1, 1)]
    population = Population(task, trials, horizon=3, engine=engine)
    population.train(3)
    for k, terms in enumerate(sums):
        model, part = task.build(0).train(), task.train_set(0)
        place = {int(r): i for i, r in enumerate(task.split(0).train)}
        order, at = [place[int(r)] for epoch in (0, 1, 2) for r in task.order(0, epoch)], 0
        for step in range(3):
            rows = order[at : at + task.batch_sizes[step % task.steps_per_epoch]]
            at += len(rows)
            out = model(part.x[rows])
            total = sum(t.factor * t.loss(out, part.y[rows], ignore_index=-100, **t.options) for t in terms)
            gradients = torch.autograd.grad(total, list(model.parameters()))
            with torch.no_grad():
                for p, g in zip(model.parameters(), gradients):
                    p -= 0.1 * g
        for ours, theirs in zip(population.model(k).parameters(), model.parameters()):
            torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


def test_sums_are_read_with_axes_in_every_summand_and_their_names_choose_them_again():
    found = [c.text for c in loss_choices("cross_entropy + (0.5|1)*dice(smooth=1|2), 2*focal + l1")]
    assert found == [
        "cross_entropy + 0.5*dice(smooth=1)", "cross_entropy + 0.5*dice(smooth=2)",
        "cross_entropy + dice(smooth=1)", "cross_entropy + dice(smooth=2)", "2*focal + l1",
    ]  # fmt: skip
    assert [c.text for text in found for c in loss_choices(text)] == found
    assert [c.text for c in loss_choices([losses.CrossEntropy() + 0.5 * losses.Dice()])] == ["cross_entropy + 0.5*dice"]


def test_a_baseline_may_have_a_sum_a_transform_and_a_schedule():
    text = "cross_entropy + 0.5*dice + sgd(lr=0.1, momentum=0.9) + clip_norm(1) + constant"
    arms = arms_of("focal", "adamw", baseline=text)
    fixed, tuned = (a for a in arms if "dice" in a.loss)
    assert fixed.is_baseline and fixed.is_fixed and fixed.learning_rates == (0.1,) and not tuned.is_fixed
    assert fixed.untuned == tuned.optimizer and [t.loss.name for t in fixed.arm.terms] == ["cross_entropy", "dice"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Heads(a=losses.L1()), "several outputs"),
        (UncertaintyWeighting(["regression"]), "learned"),
        (Deferred(losses.CrossEntropy(), torch.ones(3), after=2), "wait"),
        (losses.Dice() * torch.tensor(2.0), "fixed factors"),
        ("dice - mse", "cannot be read"),
        ("0*dice + mse", "above 0"),
        (3.5, "catalogue"),
    ],
    ids=str,
)
def test_what_is_no_arm_says_why_and_what_is(asked, words):
    with pytest.raises(UsageError, match=words) as refused:
        loss_choices([asked])
    assert refused.value.repair


def test_each_summand_must_suit_the_task_and_a_sum_takes_no_class_weights():
    task = task_of("places")
    with pytest.raises(NotComparable, match="gaussian_nll"):
        task.check(arm(Term(1.0, losses.cross_entropy), Term(1.0, losses.gaussian_nll)))
    weighed = arms_of("cross_entropy + dice", "adamw, sgd", asked_weightings="square_root")[0].arm
    with pytest.raises(NotComparable, match="sum of 2 losses"):
        task.check(weighed)


@pytest.mark.slow
def test_a_study_of_sums_has_a_verdict_and_a_page(tmp_path):
    """Buys: the whole way to the page; 3 s."""
    build, of = TASKS["places"]
    found = compare(
        lambda: build(), of, losses="cross_entropy, cross_entropy + 0.5*dice", optimizers="adamw", metric="mean_iou",
        budget="900epochs", epochs=8, seeds=3, out=tmp_path, progress=False,
    )  # fmt: skip
    assert {a.loss for a in found.study.plan.arms} == {"cross_entropy", "cross_entropy + 0.5*dice"}
    assert {"cross_entropy", "dice"} <= set(found.study.plan.sources) and (tmp_path / "report.html").exists()


KINDS = [(losses, loss_choices), (weightings, weighting_choices), (optim, rule_choices), (schedules, schedule_choices)]
AXES = [(choices, item.name, h) for catalogue, choices in KINDS for item in catalogue for h in item.hyper.values()]
AXES += [(rule_choices, f"adamw + {t.name}", h) for t in transforms for h in t.hyper.values()]


def test_every_hyperparameter_of_every_item_is_an_axis_whose_names_choose_it_again():
    for choices, name, hyper in AXES:
        if hyper.domain is None or hyper.name == "lr" or (name, hyper.name) == ("plateau", "best"):
            continue  # tuned; the metric's own
        values = hyper.domain.allowed()[:2]
        found = choices(f"{name}({hyper.name}={'|'.join(map(repr, values))})")
        texts = [c.text for c in found]
        assert len(set(texts)) == len({repr(v) for v in values}), (name, hyper.name)
        assert [c.text for text in texts for c in choices(text)] == texts, (name, hyper.name)
