"""A user's own optimizer is an arm like any other: each trial steps by one of its own, as it would alone."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from test_eject import asked, worst_difference, written
from torch import nn

from steepest import compare as compare_package
from steepest import data, losses, metrics, models, optim
from steepest.compare import Arm, Population, Trial, compare
from steepest.compare.arms import arms_of
from steepest.compare.own_rules import own_rule
from steepest.compare.space import rule_choices
from steepest.compare.task import Task
from steepest.core.errors import StoreError, Unsupported, UsageError
from steepest.optim import schedules

FILE = '''"""An optimizer of a user: signs of a running mean."""
import torch

SHARE = 0.5


class Signs(torch.optim.Optimizer):
    """Steps by the sign of a running mean."""

    def __init__(self, params, lr=1e-3, beta=0.9):
        super().__init__(params, {"lr": lr, "beta": beta})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                mean.mul_(group["beta"]).add_(p.grad, alpha=1 - group["beta"])
                p.sub_(SHARE * group["lr"] * mean.sign())


COUNT = 3
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "own.py").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def task_of(dtype=torch.float64):
    return Task(lambda: models.mlp(13, 3, width=8), data.load("wine"), metrics.accuracy, batch_size=16, dtype=dtype)


def weights_of(rule, options, engine="auto", n=9, rates=(0.01, 0.03), schedule=schedules.cosine, **arm):
    task = task_of()
    arm = Arm(loss=losses.cross_entropy, rule=rule, rule_hyper=options, schedule=schedule, **arm)
    population = Population(task, [Trial(arm, lr, s) for lr in rates for s in (0, 1)], horizon=n, engine=engine)
    population.train(n)
    return torch.stack(
        [torch.cat([p.detach().flatten() for p in population.model(k).parameters()]) for k in range(2 * len(rates))]
    )


TWINS = {
    "SGD": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}, optim.sgd, {"momentum": 0.9, "nesterov": True}),
    "Adam": (torch.optim.Adam, {"betas": (0.8, 0.99)}, optim.adam, {"beta1": 0.8, "beta2": 0.99}),
    "Adamax, some of it filled in": (partial(torch.optim.Adamax, betas=(0.8, 0.99)), {}, optim.adamax, {"beta1": 0.8, "beta2": 0.99}),
    "RMSprop by a function": (lambda params, lr, alpha: torch.optim.RMSprop(params, lr, alpha=alpha), {"alpha": 0.9},
                              optim.rmsprop, {"alpha": 0.9}),
}  # fmt: skip


@pytest.mark.parametrize("engine", ["auto", "loop"])
@pytest.mark.parametrize("case", TWINS.values(), ids=list(TWINS))
def test_an_optimizer_steps_as_the_catalogue_rule_that_means_the_same(case, engine):
    own, options, ours, hyper = case
    found = weights_of(own_rule(own, "own"), options, engine)
    torch.testing.assert_close(found, weights_of(ours, hyper, engine), rtol=1e-9, atol=1e-11)


class Forgets(torch.optim.SGD):
    """Takes the gradients away when it has stepped."""

    def step(self, closure=None):
        super().step()
        self.zero_grad(set_to_none=True)


def test_an_optimizer_that_takes_the_gradients_away_gets_new_ones():
    assert torch.equal(weights_of(own_rule(Forgets), {}), weights_of(own_rule(torch.optim.SGD), {}))


def test_weight_decay_is_that_of_the_optimizer():
    found = weights_of(own_rule(torch.optim.AdamW), {}, weight_decay=0.3)
    torch.testing.assert_close(found, weights_of(optim.adamw, {}, weight_decay=0.3), rtol=1e-9, atol=1e-11)
    assert not torch.equal(found, weights_of(own_rule(torch.optim.AdamW), {}))


def test_a_trial_that_diverges_disturbs_no_other():
    both = weights_of(own_rule(torch.optim.SGD), {}, rates=(0.01, 1e300))
    assert not bool(both[2:].isfinite().all())
    torch.testing.assert_close(both[:2], weights_of(own_rule(torch.optim.SGD), {}, rates=(0.01,)), rtol=1e-12, atol=0)


def test_learning_rates_are_searched_around_the_default_and_options_are_axes(folder):
    arms = arms_of("cross_entropy", "own.py:Signs(beta=0.5|0.9), own.py:Signs(lr=0.01), adamw")
    assert [a.optimizer for a in arms] == [
        "own.py:Signs(beta=0.5)",
        "own.py:Signs(beta=0.9)",
        "own.py:Signs(lr=0.01)",
        "adamw",
    ]
    rates = arms[0].learning_rates
    assert len(rates) == 7 and rates[3] == 1e-3 and rates[0] < 1e-3 / 20 and rates[-1] > 20e-3
    assert arms[2].is_fixed and arms[2].learning_rates == (0.01,)


def test_names_come_from_the_class_or_from_a_dictionary():
    found = rule_choices({"gentle": partial(torch.optim.Adam, betas=(0.5, 0.9)), "": "lion"})
    assert [c.text for c in found] == ["gentle", "lion"]
    assert [c.text for c in rule_choices([torch.optim.NAdam, "nadam"])] == ["NAdam", "nadam"]


WORDS = {"losses": "cross_entropy", "epochs": 2, "budget": "200epochs", "seeds": 3, "progress": False}
RULES = "own.py:Signs(beta=0.5|0.9)"


def interrupted(folder, monkeypatch, optimizers, after):
    from steepest.compare import study

    whole, calls = study.train_rung, iter(range(1000))

    def cut(*args, **options):
        if next(calls) == after:
            raise KeyboardInterrupt
        return whole(*args, **options)

    monkeypatch.setattr(study, "train_rung", cut)
    with pytest.raises(KeyboardInterrupt):
        compare("linear", "wine", optimizers=optimizers, out="cut", **WORDS)
    monkeypatch.undo()
    monkeypatch.chdir(folder)


def test_a_study_goes_on_by_its_words_in_one_process_or_two(folder, monkeypatch):
    first = compare("linear", "wine", optimizers=RULES, out="whole", **WORDS)
    interrupted(folder, monkeypatch, RULES, after=1)
    assert compare_package.resume("cut", progress=False).verdict == first.verdict
    second = compare("linear", "wine", optimizers=RULES, out="two", machines="local:2", **WORDS)
    assert second.verdict == first.verdict


def test_a_study_does_not_go_on_with_an_optimizer_that_was_changed(folder, monkeypatch):
    interrupted(folder, monkeypatch, RULES, after=0)
    (folder / "own.py").write_text(FILE.replace("SHARE *", "2 * SHARE *"))
    with pytest.raises(StoreError, match="own.py:Signs is not what the study began with"):
        compare_package.resume("cut", progress=False)


def test_a_study_of_classes_goes_on_by_the_same_call_only(folder, monkeypatch):
    interrupted(folder, monkeypatch, [torch.optim.NAdam, "adamw"], after=0)
    with pytest.raises(StoreError, match="given as objects"):
        compare_package.resume("cut", progress=False)
    assert compare("linear", "wine", optimizers=[torch.optim.NAdam, "adamw"], out="cut", **WORDS).verdict


@pytest.mark.parametrize("text", ["own.py:Signs(beta=0.5)", "own.py:Signs"])
def test_the_ejected_script_holds_the_users_source(folder, text):
    plan, request, task = asked(optimizers=text)
    script = written(plan, request, task, request.arms[0].arm, 0.01)
    assert "class Signs(torch.optim.Optimizer)" in script.text and "SHARE = 0.5" in script.text
    assert "COUNT" not in script.text
    assert worst_difference(plan, request, task, request.arms[0]) < 1e-5


def test_a_class_of_torch_is_written_out_and_what_cannot_be_says_so():
    plan, request, task = asked(optimizers=[torch.optim.NAdam])
    assert "torch.optim.NAdam(list(model.parameters())" in written(plan, request, task, request.arms[0].arm, 0.01).text
    assert worst_difference(plan, request, task, request.arms[0]) < 1e-5
    plan, request, task = asked(optimizers={"gentle": partial(torch.optim.Adam, betas=(0.5, 0.9))})
    with pytest.raises(Unsupported, match="Wrap it in a function"):
        written(plan, request, task, request.arms[0].arm, 0.01)


class Replaces(torch.optim.SGD):
    def step(self, closure=None):
        for p in self.param_groups[0]["params"]:
            p.data = p.data - p.grad


class Idle(torch.optim.SGD):
    def step(self, closure=None):
        pass


REFUSED = {
    "an optimizer of a model": ([torch.optim.SGD([nn.Parameter(torch.ones(1))], 0.1)], "of some model was given"),
    "a closure": ([torch.optim.LBFGS], "without a closure"),
    "another place": ([Replaces], "another tensor into p.data"),
    "no step": ([Idle], "left the parameter as it was"),
    "no optimizer": ([nn.Linear], "that makes an optimizer"),
    "no name": ([lambda params, lr: torch.optim.SGD(params, lr)], "optimizers={"),
    "two of a name": ([partial(torch.optim.SGD, momentum=m) for m in (0.1, 0.2)], "two different optimizers"),
    "no such class": ("own.py:Sings", "Did you mean 'Signs'"),
    "an option": ("own.py:Signs(betta=0.5)", "Did you mean 'beta'"),
    "a transform": ("own.py:Signs + clip_norm(1)", "only steps of the catalogue's rules can be transformed"),
    "a number": ([3], "was given as optimizer"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=list(REFUSED))
def test_what_cannot_step_is_refused_with_the_repair(folder, case):
    given, told = case
    with pytest.raises(UsageError, match=told) as refused:
        rule_choices(given)
    assert refused.value.repair
