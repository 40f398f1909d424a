"""A user's own loss is an arm like any other: trained as torch would, named, resumed, sent to workers, written out."""

from __future__ import annotations

import sys
from functools import partial

import pytest
import torch
from kinds import task_of
from test_eject import asked, worst_difference, written
from torch import nn
from torch.nn import functional as F

from steepest import compare as compare_package
from steepest import data, losses, metrics, optim
from steepest.compare import Arm, Population, Trial, compare
from steepest.compare.own_losses import own_loss
from steepest.compare.space import loss_choices
from steepest.compare.task import Task
from steepest.core.errors import NotComparable, StoreError, Unsupported, UsageError
from steepest.optim import schedules

FILE = '''"""Losses of a user, and what they use."""
import torch
from torch.nn import functional as F

SHARE = 0.5


def confidence(output, target):
    return torch.softmax(output, 1).gather(1, target.unsqueeze(1)).squeeze(1)


def mine(output, target, power=1.0):
    """What is missing to certainty, and some cross-entropy."""
    return (1 - confidence(output, target)) ** power + SHARE * F.cross_entropy(output, target, reduction="none")


NUMBER = 3
'''


def smoothed(output, target, epsilon=0.1):
    return F.cross_entropy(output, target, label_smoothing=epsilon)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "own.py").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def trained(task, loss, options=None, engine="auto", n=7):
    arm = Arm(loss=loss, loss_options=options or {}, rule=optim.sgd, schedule=schedules.constant)
    population = Population(task, [Trial(arm, 0.05, seed) for seed in (0, 1)], horizon=n, engine=engine)
    population.train(n)
    weights = [torch.cat([p.detach().flatten() for p in population.model(k).parameters()]) for k in range(2)]
    return torch.stack(weights), population.mean_loss()


def of_labels():
    return Task(lambda: nn.Linear(13, 3), data.load("wine"), metrics.accuracy, batch_size=16, dtype=torch.float64)


TWINS = {  # kind of task -> (a loss as its users write it, ours)
    "labels": (lambda output, target: F.cross_entropy(output.view(-1, 3), target.view(-1)), losses.cross_entropy, {}),
    "one logit": (F.binary_cross_entropy_with_logits, losses.bce_with_logits, {}),
    "several labels": (nn.BCEWithLogitsLoss(), losses.bce_with_logits, {}),
    "numbers": (lambda output, target: F.huber_loss(output, target, delta=0.5, reduction="none").mean(1),
                losses.huber, {"delta": 0.5}),
}  # fmt: skip


@pytest.mark.parametrize("engine", ["auto", "loop"])
@pytest.mark.parametrize("kind", TWINS)
def test_a_function_trains_as_the_catalogue_loss_that_means_the_same(kind, engine):
    own, ours, options = TWINS[kind]
    task = of_labels() if kind == "labels" else task_of(kind)
    for a, b in zip(trained(task, own_loss(own, "own"), engine=engine), trained(task, ours, options, engine=engine)):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", ["labels", "several labels"])
def test_it_is_given_what_a_loop_would_give_it(kind):
    seen, task = [], of_labels() if kind == "labels" else task_of(kind)

    def told(output, target):
        seen.append((output.shape, output.is_contiguous(), target.shape, target.dtype))
        return output.square().mean() + 0 * target.sum()

    trained(task, own_loss(told), n=1)
    model, part = task.build(0), task.train_set(0)
    output = model(part.x[:16])
    target = part.y[:16] if kind == "labels" else part.y[:16].to(output.dtype)
    assert seen[-1] == (output.shape, True, target.shape, target.dtype)


def test_a_trial_that_diverges_disturbs_no_other():
    def fragile(output, target, limit=1e9):
        return F.cross_entropy(output, target) / (output.detach().abs().max() < limit)

    arms = [Arm(loss=own_loss(fragile), loss_options={"limit": limit}, rule=optim.sgd, schedule=schedules.constant)
            for limit in (1e9, 0.0)]  # fmt: skip
    population = Population(of_labels(), [Trial(arm, 0.05, 0) for arm in arms], horizon=5)
    population.train(5)
    alone = Population(of_labels(), [Trial(arms[0], 0.05, 0)], horizon=5)
    alone.train(5)
    assert population.diverged.tolist() == [False, True]
    for a, b in zip(population.model(0).parameters(), alone.model(0).parameters()):
        assert torch.equal(a, b)


def test_a_batch_of_which_a_loss_says_nothing_moves_nothing():
    def silent(output, target, above=10):
        return torch.zeros((), dtype=output.dtype) if len(output) > above else F.cross_entropy(output, target)

    moved, _ = trained(of_labels(), own_loss(silent), n=4)
    start = torch.stack([torch.cat([p.detach().flatten() for p in of_labels().build(s).parameters()]) for s in (0, 1)])
    assert torch.equal(moved, start)
    assert not torch.equal(trained(of_labels(), own_loss(silent), {"above": 16}, n=4)[0], start)


def test_a_study_of_functions_modules_and_words_names_them_and_finds_a_winner(tmp_path):
    chosen = {"smooth": nn.CrossEntropyLoss(label_smoothing=0.2), "half": partial(smoothed, epsilon=0.05), "": "focal"}
    results = compare(
        "linear", "wine", losses=chosen, optimizers="adamw", epochs=2, budget="200epochs", seeds=3,
        progress=False, out=tmp_path / "s",
    )  # fmt: skip
    assert [a.loss for a in results.study.plan.arms] == ["smooth", "half", "focal"]
    assert results.verdict.sentence and not any(a.name.startswith("CrossEntropy") for a in results.verdict.arms)


def test_options_of_a_function_in_a_file_are_axes(folder):
    found = loss_choices("own.py:mine(power=1|2), cross_entropy, own.py:mine")
    assert [c.text for c in found] == ["own.py:mine(power=1)", "own.py:mine(power=2)", "cross_entropy", "own.py:mine"]
    logits, labels = torch.randn(5, 3), torch.tensor([0, 2, 1, 1, 0])
    expected = ((1 - logits.softmax(1)[range(5), labels]) ** 2).mean() + 0.5 * F.cross_entropy(logits, labels)
    torch.testing.assert_close(found[1].item(logits, labels, **found[1].options), expected)


WORDS = {"optimizers": "adamw", "epochs": 2, "budget": "200epochs", "seeds": 3, "progress": False}


def test_a_study_of_a_loss_in_a_file_goes_on_by_its_words_in_one_process_or_two(folder, monkeypatch):
    first = compare("linear", "wine", losses="own.py:mine(power=1|2)", out="a", **WORDS)
    stop = KeyboardInterrupt
    calls = iter(range(1000))
    from steepest.compare import study

    whole = study.train_rung

    def cut(*args, **options):
        if next(calls) == 1:
            raise stop
        return whole(*args, **options)

    monkeypatch.setattr(study, "train_rung", cut)
    with pytest.raises(KeyboardInterrupt):
        compare("linear", "wine", losses="own.py:mine(power=1|2)", out="b", **WORDS)
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert compare_package.resume("b", progress=False).verdict == first.verdict
    second = compare("linear", "wine", losses="own.py:mine(power=1|2)", out="c", machines="local:2", **WORDS)
    assert second.verdict == first.verdict


def unfinished(folder, monkeypatch, losses):
    from steepest.compare import study

    monkeypatch.setattr(study, "train_rung", lambda *args, **options: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        compare("linear", "wine", losses=losses, out="s", **WORDS)
    monkeypatch.undo()
    monkeypatch.chdir(folder)


def test_a_study_does_not_go_on_with_a_loss_that_was_changed(folder, monkeypatch):
    unfinished(folder, monkeypatch, "own.py:mine, cross_entropy")
    (folder / "own.py").write_text(FILE.replace("torch.softmax(output, 1)", "torch.sigmoid(output)"))  # of its helper
    with pytest.raises(StoreError, match="own.py:mine is not what the study began with"):
        compare_package.resume("s", progress=False)
    with pytest.raises(StoreError, match="holds another study"):
        compare("linear", "wine", losses="own.py:mine, cross_entropy", out="s", **WORDS)


def test_a_study_of_objects_goes_on_by_the_same_call_only(folder, monkeypatch):
    unfinished(folder, monkeypatch, [smoothed, "cross_entropy"])
    with pytest.raises(StoreError, match="given as objects"):
        compare_package.resume("s", progress=False)
    assert compare("linear", "wine", losses=[smoothed, "cross_entropy"], out="s", **WORDS).verdict


@pytest.mark.parametrize("text", ["own.py:mine(power=2.0)", "own.py:mine"])
def test_the_ejected_script_holds_the_users_source(folder, text):
    plan, request, task = asked(losses=f"{text}, mse")
    script = written(plan, request, task, request.arms[0].arm, 0.01)
    assert "def confidence(output, target):" in script.text and "SHARE = 0.5" in script.text
    assert "NUMBER" not in script.text
    assert worst_difference(plan, request, task, request.arms[0]) < 1e-5


def test_a_loss_of_torch_given_as_an_object_is_written_out():
    plan, request, task = asked(losses={"smooth": nn.CrossEntropyLoss(label_smoothing=0.2), "": "mse"})
    assert "nn.CrossEntropyLoss(label_smoothing=0.2)" in written(plan, request, task, request.arms[0].arm, 0.01).text
    assert worst_difference(plan, request, task, request.arms[0]) < 1e-5


def test_what_cannot_be_written_out_says_so():
    plan, request, task = asked(losses=[partial(smoothed, epsilon=0.3), "mse"])
    with pytest.raises(Unsupported, match="def my_loss"):
        written(plan, request, task, request.arms[0].arm, 0.01)


class WithWeights(nn.Module):
    def __init__(self):
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(()))


REFUSED = {
    "a class": ([nn.CrossEntropyLoss], "the class was given"),
    "weights": ([WithWeights()], "which no trial would train"),
    "no name": ([lambda output, target: output.sum()], "losses={"),
    "two of a name": ([nn.CrossEntropyLoss(), nn.CrossEntropyLoss(label_smoothing=0.1)], "two different losses"),
    "a name that divides": ({"a + b": smoothed}, "without"),
    "no such file": ("nowhere.py:mine, mse", "no such file"),
    "no such function": ("own.py:minne, mse", "Did you mean 'mine'"),
    "no function": ("own.py:NUMBER, mse", "NUMBER is a int"),
    "an option": ("own.py:mine(powers=1), mse", "Did you mean 'power'"),
    "a number": ([3], "was given as loss"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=list(REFUSED))
def test_what_is_no_loss_is_refused_with_the_repair(folder, case):
    given, told = case
    with pytest.raises(UsageError, match=told):
        loss_choices(given)


WRONG = {
    "no gradient": (lambda output, target: F.cross_entropy(output.detach(), target), "no gradient"),
    "a float": (lambda output, target: F.cross_entropy(output, target).item(), "a float came back"),
    "a value for each class": (lambda output, target: output.mean(0), r"shape \(3,\)"),
    "an error of its own": (lambda output, target: F.mse_loss(output, target.missing), "AttributeError"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=list(WRONG))
def test_what_it_gives_is_looked_at_before_anything_is_trained(tmp_path, case):
    loss, told = case
    with pytest.raises(UsageError, match=told):
        compare("linear", "wine", losses={"wrong": loss, "": "mse"}, out=tmp_path / "s", **WORDS)
    assert not (tmp_path / "s").exists()


def test_class_weights_and_maps_are_refused():
    with pytest.raises(NotComparable, match="no class weights"):
        compare("linear", "wine", losses=[smoothed], weightings="none, inverse_frequency", **WORDS)
    with pytest.raises(NotComparable, match="a class at each place"):
        trained(task_of("places, some without a class"), own_loss(smoothed))


def test_a_name_of_the_catalogue_stays_the_catalogues():
    def focal(output, target):
        return F.cross_entropy(output, target)

    assert [c.text for c in loss_choices([focal, "focal"])] == ["own_focal", "focal"]


def test_reading_a_file_leaves_the_search_path_as_it_was(folder):
    before = list(sys.path)
    loss_choices("own.py:mine")
    assert sys.path == before


def smoothed_by(epsilon):
    def loss(output, target):
        return F.cross_entropy(output, target, label_smoothing=epsilon)

    return loss


def test_functions_that_differ_by_what_they_remember_are_two():
    first, second = smoothed_by(0.1), smoothed_by(0.2)
    with pytest.raises(UsageError, match="two different losses called 'loss'"):
        loss_choices([first, second])
    assert [c.text for c in loss_choices({"a": first, "b": second})] == ["a", "b"]
    assert own_loss(first).fingerprint != own_loss(second).fingerprint == own_loss(smoothed_by(0.2)).fingerprint
    assert len(loss_choices([first, first])) == 1


@pytest.mark.parametrize("text", ["own.py:mine + dice", "own.py:mine(power=2) + dice", "dice + own.py:mine"])
def test_a_sum_with_something_of_ones_own_is_refused_in_words(folder, text):
    with pytest.raises(UsageError, match="own.py:mine: .* a sum takes losses of the catalogue only"):
        loss_choices(text)


def test_the_page_says_the_call_with_the_users_own_names():
    plan, *_ = asked(losses={"smooth": smoothed, "": "mse"}, optimizers=[torch.optim.NAdam, "adamw"])
    assert "losses={'smooth': smoothed, '': 'mse'}, optimizers=[NAdam, 'adamw']" in plan.python
