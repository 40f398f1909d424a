"""Suggestions: the default first, what is known of the data next, each with its reason; "auto" takes what can be compared."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

import steepest
from steepest import losses
from steepest.cli import app
from steepest.cli.known import complete_suggested_task
from steepest.compare.ask import ask
from steepest.core.declare import loss
from steepest.core.errors import DeclarationError, UnknownName
from steepest.core.situations import SITUATIONS, situations_of
from steepest.core.targets import same_as_input
from steepest.explain.candidates import auto_losses
from steepest.losses import weightings

TASKS = sorted({task for item in losses for task in item.task})
runner = CliRunner()


@pytest.mark.parametrize("task", TASKS)
def test_with_nothing_known_every_loss_of_the_task_is_listed(task):
    found = steepest.suggest(task)
    assert sorted(found.losses) == sorted(item.name for item in losses if task in item.task)
    assert all(one.because and one.use for one in found) and found.weightings == []


@pytest.mark.parametrize("task", TASKS)
def test_the_default_of_a_task_stands_first_whatever_is_known(task):
    for known in ({}, {"imbalanced": True}, {"outliers": True}, {"noisy_labels": True}):
        first = steepest.suggest(task, **known)[0]
        assert "default" in losses[first.name].good_for and first.because == SITUATIONS["default"]


def test_what_is_known_of_the_data_comes_before_the_all_rounders_and_leaves_the_rest_out():
    rare = steepest.suggest("classification", imbalanced=True)
    assert rare.losses.index("focal") < rare.losses.index("square") and "kl_div" not in rare.losses
    assert {"none", "inverse_frequency", "effective_number"} <= set(rare.weightings) <= set(weightings.names())
    far = steepest.suggest("regression", outliers=True)
    assert {"huber", "l1"} <= set(far.losses) and "quantile" not in far.losses and far.weightings == []
    assert far[0].name == "mse" and far[1].because == SITUATIONS["outliers"]


def test_an_all_rounder_that_warns_of_what_is_known_is_left_out():
    plain, noisy = steepest.suggest("classification"), steepest.suggest("classification", noisy_labels=True)
    assert "focal" in plain.losses and "focal" not in noisy.losses and "square" in noisy.losses
    assert "Wrong labels" in losses.focal.avoid and "Not: " + losses.square.avoid in noisy.render(1000)


@pytest.mark.parametrize("width", [60, 100])
def test_the_list_fits_the_terminal_and_says_all(width):
    found = steepest.suggest("regression", outliers=True)
    shown = found.render(width)
    assert all(len(line) <= width for line in shown.splitlines()) and str(found) == found.render()
    for one in found:
        assert all(word in shown for text in (one.name, one.because, one.use, one.avoid) for word in text.split())


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_one_default_which_stands_first(task):
    defaults = [name for name in steepest.suggest(task).losses if "default" in losses[name].good_for]
    assert len(defaults) == 1 and steepest.suggest(task).losses[0] == defaults[0]


def test_an_unknown_task_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownName, match="'regression'"):
        steepest.suggest("regresion")


def test_a_use_sentence_is_read_where_nothing_is_declared_and_its_negation_is_understood():
    assert situations_of((), "Regression with many outliers.") == ("outliers",)
    assert situations_of((), "When the targets hold no outliers.") == ()
    assert situations_of(("default",), "Regression with many outliers.") == ("default",)


def test_an_unknown_situation_is_refused_when_it_is_declared():
    with pytest.raises(DeclarationError, match="outliers"):

        @loss(target=same_as_input, task="regression", use="x", source="x", formula="x - y", good_for=["outlier"])
        def wrong(input, target):
            return input - target


# -- auto ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_auto_takes_at_most_six_that_any_model_can_train(task):
    for counts in (None, [50, 50], [90, 10]):
        names = auto_losses(task, counts)
        assert 2 <= len(names) <= 6 and len(set(names)) == len(names)
        assert all(losses[n].target.name in ("classes", "same") and losses[n].expects != "log_probs" for n in names)
        assert "default" in losses[names[0]].good_for


def request(losses_asked, data):
    words = dict(model="linear", optimizers="adamw", schedules="constant", weightings="none", metric=None, budget="60s")
    words |= dict(seeds="auto", baseline=None, seed=0, rope=None, task=None, batch_size=64, epochs=None, engine="auto")
    return ask(**words, losses=losses_asked, data=data)


def test_a_comparison_of_auto_holds_the_names_that_it_took():
    found = request("auto", "wine")
    assert found.text["losses"] == ", ".join(auto_losses("classification", [59, 71, 48]))
    again = request(found.text["losses"], "wine")
    assert again.text == found.text
    assert request("auto", "diabetes").text["losses"].startswith("mse")


def test_auto_may_stand_among_other_losses_in_words_and_in_a_list():
    auto = auto_losses("classification", [59, 71, 48])
    assert request("gce, auto, cross_entropy", "wine").text["losses"] == ", ".join(
        ["gce", *[name for name in auto if name != "cross_entropy"], "cross_entropy"]
    )
    with_objects = request([losses.gce, "auto"], "wine")
    assert [arm.loss for arm in with_objects.arms] == ["gce", *auto]
    assert request("focal(gamma=1|2), auto", "wine").text["losses"].startswith("focal(gamma=1|2), cross_entropy")


# -- the command ----------------------------------------------------------------------------------------------------------------


def test_the_command_gives_one_line_per_candidate_in_a_pipe():
    done = runner.invoke(app, ["suggest", "--task", "classification", "--imbalanced"])
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert done.exit_code == 0 and {len(row) for row in rows} == {5}
    assert [row[1] for row in rows] == [one.name for one in steepest.suggest("classification", imbalanced=True)]


def test_the_shell_completes_the_tasks_that_there_are():
    assert complete_suggested_task("") == TASKS
