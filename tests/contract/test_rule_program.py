"""A recorded body does what the body says, whatever the order in which it reads and returns its states."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from rule_cases import ALL, by_body, column, distance, gradients, solo, start
from torch import Tensor

from steepest import optim
from steepest.core.declare import rule
from steepest.core.domains import NonNegative, UnitOpen
from steepest.core.errors import DeclarationError, UsageError
from steepest.optim.optimizer import class_of
from steepest.optim.program import program_of
from steepest.optim.stacked import StackedRule

plain = {"use": "", "source": ""}


@rule(**plain)
def exchanged(grad: Tensor, a: Tensor, b: Tensor, *, t: Any, lr: NonNegative = 0.1) -> tuple:
    return lr * (a - b) + lr * grad, b, a


@rule(**plain)
def handed_down(grad: Tensor, last: Tensor, before: Tensor, first: Tensor, *, t: Any, lr: NonNegative = 0.1) -> tuple:
    return lr * (grad + 0.5 * last + 0.25 * before + first), grad, last, first


@rule(**plain)
def reads_the_old_state_late(
    grad: Tensor, mean: Tensor, *, t: Any, lr: NonNegative = 0.1, beta: UnitOpen = 0.9
) -> tuple:
    new = beta * mean + (1 - beta) * grad
    other = new * new + 1
    return lr * (grad - mean) / other.sqrt(), new


@rule(**plain)
def one_value_for_two_states(grad: Tensor, a: Tensor, b: Tensor, *, t: Any, lr: NonNegative = 0.1) -> tuple:
    both = a + 0.5 * grad
    return lr * both + lr * b, both, both


@rule(**plain)
def step_is_a_state(grad: Tensor, velocity: Tensor, *, t: Any, lr: NonNegative = 0.1) -> tuple:
    velocity = 0.9 * velocity + lr * grad
    return velocity, velocity


@rule(**plain)
def looks_at_param(grad: Tensor, middle: Tensor, param: Tensor, *, t: Any, lr: NonNegative = 0.1) -> tuple:
    return lr * grad + 0.01 * (param - middle), 0.5 * (middle + param)


@rule(**plain)
def remembers_param(grad: Tensor, last: Tensor, param: Tensor, *, t: Any, lr: NonNegative = 0.1) -> tuple:
    return lr * grad + 0.01 * (param - last), param


@rule(**plain)
def uses_other_functions(grad: Tensor, top: Tensor, *, t: Any, lr: NonNegative = 0.1) -> tuple:
    top = torch.where(grad.abs() > top, grad.abs(), 0.9 * top)
    return lr * torch.clamp(grad, min=-1, max=1) / (1 + top) + lr * 2 ** (-(grad.abs())) / (1 - t**0.5 - 3), top


@rule(**plain)
def counts_by_itself(grad: Tensor, mean: Tensor, seen: Any, *, t: Any, lr: NonNegative = 0.1) -> tuple:
    seen = seen + 1 / t
    return lr * grad / seen, mean + grad, seen


counts_by_itself.scalar_states = ("seen",)


@rule(**plain)
def stateless(grad: Tensor, *, t: Any, lr: NonNegative = 0.1) -> tuple:
    return (lr * 1.0 * grad,)


BODIES = [
    exchanged, handed_down, reads_the_old_state_late, one_value_for_two_states, step_is_a_state, looks_at_param,
    remembers_param, uses_other_functions, counts_by_itself, stateless,
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=[b.name for b in BODIES])
def test_a_recorded_body_equals_the_body(body):
    k, p = 3, 11
    param, grads, rates = start("program", k, p), list(gradients("program", 15, k, p)), [0.01, 0.1, 0.3]
    stepper, together = StackedRule(body), param.clone()
    stepper.init(together)
    for grad in grads:
        stepper.step(together, grad, column(rates))
    hyper = {name: h.default for name, h in body.hyper.items() if name != "lr"}
    for i in range(k):
        mine = [g[i] for g in grads]
        true = by_body(body, param[i], mine, rates[i], 0.0, **hyper)
        assert distance(together[i], true) < 1e-13
        assert distance(solo(body, param[i], mine, lr=rates[i]), true) < 1e-13


def test_gradients_are_left_as_they_are():
    for body in BODIES:
        param, grad = start("left", 2, 5), start("gradient", 2, 5)
        kept = grad.clone()
        stepper = StackedRule(body)
        stepper.init(param)
        for _ in range(3):
            stepper.step(param, grad, column([0.1, 0.2]))
        assert torch.equal(grad, kept), body.name


def test_a_body_that_branches_on_a_value_is_refused():
    @rule(**plain)
    def branches(grad: Tensor, *, t: Any, lr: NonNegative = 0.1) -> tuple:
        return (lr * grad if t > 3 else grad,)

    for use in (StackedRule, lambda r: class_of(r)([torch.zeros(1)])):
        with pytest.raises(DeclarationError, match="cannot be recorded") as caught:
            use(branches)
        assert "choose" in caught.value.repair


def test_a_body_that_returns_too_little_is_refused():
    @rule(**plain)
    def forgets(grad: Tensor, mean: Tensor, *, t: Any, lr: NonNegative = 0.1) -> tuple:
        return (lr * grad,)

    with pytest.raises(DeclarationError, match=r"returns 1 values; \(step, mean\) were needed"):
        program_of(forgets)


def test_weight_decay_of_a_rule_that_has_none_is_refused():
    for use in (
        lambda: StackedRule(stateless, weight_decay=0.1),
        lambda: class_of(stateless)([torch.zeros(1)], weight_decay=0.1),
    ):
        with pytest.raises((UsageError, TypeError), match=r"no weight decay|no argument 'weight_decay'"):
            use()


def test_a_state_that_only_an_option_needs_does_not_exist_without_it():
    sgd, param = optim.sgd, start("only with", 3, 5)
    for momentum, expected in ((0.0, {"step"}), (column([0.0, 0.0, 0.9]), {"step", "momentum_buffer"})):
        stepper = StackedRule(sgd, {"momentum": momentum})
        stepper.init(param)
        assert set(stepper.state) == expected
    assert program_of(sgd, ()).states == () and program_of(sgd).states == ("momentum_buffer",)


def test_what_trials_must_share_is_refused_where_they_differ():
    with pytest.raises(UsageError, match=r"ns_steps has the values \[3.0, 5.0\]"):
        StackedRule(optim.muon, {"ns_steps": column([5, 3])})
    shared = StackedRule(optim.muon, {"ns_steps": column([3, 3]), "adjust_lr_fn": "match_rms_adamw"})
    shared.init(start("shared", 2, 6))


@pytest.mark.parametrize("rule", [r for r in ALL if r.solo_only], ids=lambda rule: rule.name)
def test_a_rule_for_one_run_alone_says_so_to_a_population(rule):
    with pytest.raises(UsageError, match="a run alone was needed") as caught:
        StackedRule(rule)
    assert rule.solo_only in caught.value.repair


def test_where_a_rule_is_judged_elsewhere_a_population_gives_those_weights():
    """Schedule-free SGD without momentum's share: x is the mean of all z, which a loop adds up."""
    rates, momentum = column([0.5, 0.1]), column([0.9, 0.5])
    param = start("judged", 2, 4)
    stepper = StackedRule(optim.schedule_free_sgd, {"momentum": momentum})
    z, y, seen = param.clone(), param.clone(), []
    stepper.init(y)
    for grad in gradients("judged", 30, 2, 4):
        stepper.step(y, grad, rates)
        z = z - rates[:, None] * grad
        seen.append(z)
    assert distance(stepper.evaluated(y), torch.stack(seen).mean(0)) < 1e-13
    adamw = StackedRule(optim.adamw)
    adamw.init(param)
    assert adamw.evaluated(param) is param
