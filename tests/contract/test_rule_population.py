"""A population is its trials: a batch of numbers equals a loop, and no trial meets another."""

from __future__ import annotations

import io
import weakref

import pytest
import torch
from rule_cases import (
    NAMES,
    RULES,
    batch_of_decay,
    batch_of_hyper,
    batch_of_lr,
    by_body,
    column,
    distance,
    gradients,
    layout_of,
    parts,
    shared_choices,
    solo,
    stacked,
    start,
)
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from steepest.core.errors import DomainError, ShapeError, UsageError
from steepest.core.trees import Layout
from steepest.optim import apply, tensors
from steepest.optim.optimizer import class_of
from steepest.optim.program import program_of
from steepest.optim.stacked import StackedRule

K, P = 7, 40
every_rule = pytest.mark.parametrize("rule", RULES, ids=NAMES)


class Case:
    """K trials of a rule, each with its own hyperparameters, and gradients for them."""

    def __init__(self, rule, n_steps, dtype=torch.float64, shared=None):
        self.rule, self.hyper, self.decay = rule, batch_of_hyper(rule, K, shared), batch_of_decay(rule, K)
        self.rates = batch_of_lr(rule, K)
        self.layout = layout_of(rule, P)
        self.param = start("population", K, P, dtype=dtype)
        self.grads = list(gradients("population", n_steps, K, P, dtype=dtype))

    def stepper(self):
        return stacked(self.rule, self.hyper, self.decay, self.param, self.layout)

    def options(self, k):
        numbers = {name: values[k] for name, values in self.hyper.items()}
        return {**numbers, "lr": self.rates[k], "weight_decay": self.decay[k]}

    def alone(self, k, grads=None):
        """Where trial k ends by the bare body."""
        grads = [grad[k] for grad in (self.grads if grads is None else grads)]
        return by_body(self.rule, self.param[k], grads, layout=self.layout, **self.options(k))

    def by_optimizer(self, k):
        """Where trial k ends by its optimizer; None where torch refuses the numbers together."""
        options = self.options(k)
        if self.rule.decay == "none":
            del options["weight_decay"]
        try:
            return solo(self.rule, self.param[k], [grad[k] for grad in self.grads], layout=self.layout, **options)
        except DomainError:
            return None

    def run(self, stepper, param, grads, alive=None):
        for grad in grads:
            stepper.step(param, grad, column(self.rates), alive)
        return param


EACH_STATIC = [(rule, shared) for rule in RULES for shared in shared_choices(rule)]
STATIC_IDS = [" ".join([rule.name, *(f"{n}={v}" for n, v in shared.items())]) for rule, shared in EACH_STATIC]


# 1e-12: a few hundred roundings of 1e-16. 8e-6: ten steps of a few roundings of 6e-8 each, most where a rule takes the
# difference of two means (centred RMSprop), others stay below 1e-6.
@pytest.mark.parametrize(("rule", "shared"), EACH_STATIC, ids=STATIC_IDS)
@pytest.mark.parametrize(
    ("dtype", "n_steps", "tolerance"), [(torch.float64, 50, 1e-12), (torch.float32, 10, 8e-6)], ids=["f64", "f32"]
)
def test_a_batch_of_all_hyperparameters_equals_a_loop(rule, shared, dtype, n_steps, tolerance):
    case = Case(rule, n_steps, dtype, shared)
    together = case.run(case.stepper(), case.param.clone(), case.grads)
    n_finite = n_by_optimizer = 0
    for k in range(K):
        alone, by_optimizer = case.alone(k), case.by_optimizer(k)
        if not alone.isfinite().all():  # this one diverges, together and by itself
            assert not together[k].isfinite().all(), case.options(k)
            continue
        n_finite += 1
        assert distance(together[k], alone) < tolerance, case.options(k)
        if by_optimizer is not None:
            n_by_optimizer += 1
            assert distance(together[k], by_optimizer) < tolerance, case.options(k)
    assert n_finite > K / 2 and n_by_optimizer > K / 3


@every_rule
def test_a_diverging_trial_changes_no_bit_of_its_neighbours(rule):
    case, sick = Case(rule, 20), 3
    healthy = case.run(case.stepper(), case.param.clone(), case.grads)
    case.rates[sick] = 1e10
    stepper = case.stepper()
    first, rest = case.grads[0].clone(), [grad.clone() for grad in case.grads[1:]]
    rest[4][sick], rest[5][sick], rest[6][sick] = torch.nan, torch.inf, -torch.inf
    diverged = case.run(stepper, case.param.clone(), [first, *rest])
    others = [k for k in range(K) if k != sick]
    assert torch.equal(diverged[others], healthy[others])
    # A rule of signs goes far astray and stays finite.
    assert not torch.isclose(diverged[sick], healthy[sick]).any()
    for state in stepper.state.values():
        assert state[others].isfinite().all()


@every_rule
def test_trials_that_are_not_alive_keep_every_bit_of_parameters_and_state(rule):
    case = Case(rule, 10)
    alive = torch.tensor([True, False, True, True, False, False, True])
    stepper, param = case.stepper(), case.param.clone()
    case.run(stepper, param, case.grads[:5])
    before, states = param.clone(), {name: state.clone() for name, state in stepper.state.items()}
    poisoned = [torch.where(alive[:, None], grad, torch.nan) for grad in case.grads[5:]]
    case.run(stepper, param, poisoned, alive)
    assert torch.equal(param[~alive], before[~alive])
    for name, state in stepper.state.items():
        assert torch.equal(state[~alive], states[name][~alive]), name
    for k in alive.nonzero().flatten().tolist():
        assert distance(param[k], case.alone(k)) < 1e-12
    assert stepper.state["step"].tolist() == [10.0 if a else 5.0 for a in alive]


@every_rule
def test_a_trial_that_starts_later_counts_its_own_steps(rule):
    case, late = Case(rule, 12), 2
    stepper, param = case.stepper(), case.param.clone()
    waiting = torch.arange(K) != late
    case.run(stepper, param, case.grads[:7], waiting)
    case.run(stepper, param, case.grads[7:])
    assert distance(param[late], case.alone(late, case.grads[7:])) < 1e-12


@every_rule
def test_trials_that_are_taken_go_on_as_before_and_leave_the_others_alone(rule):
    case, chosen = Case(rule, 16), [5, 1]
    stepper, param = case.stepper(), case.param.clone()
    case.run(stepper, param, case.grads[:8])
    left = {name: state.clone() for name, state in stepper.state.items()}
    fewer, part = stepper.take(chosen), param[chosen].clone()
    for grad in case.grads[8:]:
        fewer.step(part, grad[chosen], column(case.rates)[chosen])
    assert all(torch.equal(state, left[name]) for name, state in stepper.state.items())
    whole = case.run(stepper, param, case.grads[8:])
    assert distance(part, whole[chosen]) < 1e-14
    assert all(distance(state, stepper.state[name][chosen]) < 1e-14 for name, state in fewer.state.items())


@every_rule
def test_a_saved_population_goes_on_to_the_last_bit(rule):
    case = Case(rule, 20, torch.float32)
    stepper, param = case.stepper(), case.param.clone()
    case.run(stepper, param, case.grads[:9])
    file = io.BytesIO()
    torch.save({"state": stepper.state, "param": param}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    resumed = case.stepper()
    resumed.load(saved["state"])
    ended = case.run(resumed, saved["param"], case.grads[9:])
    assert torch.equal(ended, case.run(stepper, param, case.grads[9:]))
    assert all(torch.equal(state, stepper.state[name]) for name, state in resumed.state.items())


@every_rule
def test_the_order_of_trials_and_the_size_of_the_population_do_not_matter(rule):
    case = Case(rule, 10)
    whole = case.run(case.stepper(), case.param.clone(), case.grads)
    for trials in ([6, 2, 0, 4, 1, 5, 3], [4]):
        hyper = {name: [values[k] for k in trials] for name, values in case.hyper.items()}
        other = stacked(rule, hyper, [case.decay[k] for k in trials], case.param[trials], case.layout)
        param = case.param[trials].clone()
        for grad in case.grads:
            other.step(param, grad[trials], column(case.rates)[trials])
        assert distance(param, whole[trials]) < 1e-14


@every_rule
@pytest.mark.parametrize("n_bytes", [3 * P * 8, P * 4, 24], ids=["three rows", "half a row", "three numbers"])
def test_blocks_of_any_size_give_the_same(rule, n_bytes, monkeypatch):
    case = Case(rule, 6)
    whole = case.run(case.stepper(), case.param.clone(), case.grads)
    monkeypatch.setattr(apply, "CPU_BLOCK_BYTES", n_bytes)
    stepper = case.stepper()
    cut = case.run(stepper, case.param.clone(), case.grads)
    assert distance(cut, whole) < 1e-14
    assert stepper.state["step"].tolist() == [6.0] * K


@pytest.mark.parametrize("shape", [(4, 10), (1, 7), (3, 1), (5, 3, 4), (), (0, 4), (4, 0)])
def test_blocks_cover_each_element_once_and_keep_to_the_limit(shape):
    for limit in (1, 3, 10, 1000):
        seen = torch.zeros(shape)
        for block in apply.cut(seen.shape, limit):
            assert seen[block].numel() <= limit
            seen[block] += 1
        assert (seen == 1).all()


class Allocated(TorchDispatchMode):
    """The most bytes that were alive at once of storages that came into being."""

    def __init__(self):
        super().__init__()
        self.given, self.alive, self.n_bytes, self.peak = set(), {}, 0, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = [t for t in tree_leaves((args, kwargs or {})) if isinstance(t, torch.Tensor)]
        self.given |= {key for t in given if (key := t.untyped_storage().data_ptr()) not in self.alive}
        found = func(*args, **(kwargs or {}))
        for made in tree_leaves(found):
            if isinstance(made, torch.Tensor):
                self._count(made)
        return found

    def _count(self, made):
        key, size = made.untyped_storage().data_ptr(), made.untyped_storage().nbytes()
        if key in self.given and key not in self.alive:
            return
        self.alive.setdefault(key, [0, size])[0] += 1
        if self.alive[key][0] == 1:
            self.n_bytes += size
            self.peak = max(self.peak, self.n_bytes)
        weakref.finalize(made, self._forget, key)

    def _forget(self, key):
        self.alive[key][0] -= 1
        if self.alive[key][0] == 0:
            self.n_bytes -= self.alive.pop(key)[1]


def peaks(rule, param, layout, **shared):
    """Of one step of a population, and of its first trial alone, in bytes."""
    grad, rates = torch.ones_like(param), column([0.1] * len(param))
    stepper = StackedRule(rule, shared, weight_decay=0.0 if rule.decay == "none" else 0.1)
    stepper.init(param, layout)
    with Allocated() as together:
        stepper.step(param, grad, rates)
    values = [torch.nn.Parameter(part) for part in parts(param[0], layout)]
    alone = class_of(rule)(values, maximize=True, **shared)
    for value, part in zip(values, parts(grad[0], layout)):
        value.grad = part
    alone.step()  # the first step makes the states
    with Allocated() as one:
        alone.step()
    return together.peak, one.peak


@pytest.mark.parametrize("rule", [r for r in RULES if r.looks_at == "elementwise"], ids=lambda rule: rule.name)
def test_a_step_adds_at_most_64_MB_however_large_the_model(rule):
    param = torch.ones(2, 9_000_000)  # 72 MB: any one temporary of its size would be too much
    assert max(peaks(rule, param, None)) <= 64 * 2**20
    # An accelerator's blocks are larger; besides the program's own memory there is one for decay and one for maximize.
    assert (program_of(rule).n_scratch + 2) * apply.ACCELERATOR_BLOCK_BYTES <= 64 * 2**20


@pytest.mark.parametrize("rule", [r for r in RULES if r.looks_at != "elementwise"], ids=lambda rule: rule.name)
def test_a_step_by_tensors_adds_at_most_16_blocks_which_are_64_MB(rule, monkeypatch):
    assert 16 * tensors.BLOCK_BYTES <= 64 * 2**20
    monkeypatch.setattr(tensors, "BLOCK_BYTES", 2**18)
    layout = Layout(tuple((str(i), torch.Size([200, 300])) for i in range(20)))  # each almost a block, 18 blocks in all
    assert 0 < max(peaks(rule, torch.ones(2, layout.width), layout)) <= 16 * 2**18


def test_memory_that_is_alive_at_once_is_counted_and_no_other():
    given = torch.ones(1000)
    with Allocated() as seen:
        for _ in range(3):
            given.add_(given * 2 + 1)
    assert seen.peak == 2 * given.nbytes and seen.n_bytes == 0


@every_rule
def test_zero_gradients_and_zero_learning_rates_are_harmless(rule):
    param = start("zero", K, P)
    # Rprop's least step does not know the learning rate.
    stepper = StackedRule(rule, {"step_min": 0.0} if "step_min" in rule.hyper else {}, weight_decay=0.0)
    stepper.init(param, layout_of(rule, P))
    moved = param.clone()
    for grad in gradients("zero", 3, K, P):
        stepper.step(moved, grad, torch.zeros(K, dtype=torch.float64))
    assert torch.equal(moved, param)


# -- what is refused ------------------------------------------------------------------------


@every_rule
def test_a_hyperparameter_outside_its_domain_is_refused_and_its_trial_named(rule):
    hypers = [h for h in rule.hyper.values() if h.name != "lr" and h.domain is not None]
    assert hypers
    for hyper in hypers:
        for bad in (v for v in hyper.domain.forbidden() if isinstance(v, (int, float))):
            if hyper.name in rule.static:
                with pytest.raises(DomainError, match=f"{rule.name}: {hyper.name} is"):
                    StackedRule(rule, {hyper.name: bad})
                continue
            values = column([hyper.default, hyper.default, float(bad)])
            with pytest.raises(DomainError, match=rf"{rule.name}: {hyper.name}\[2\] is"):
                StackedRule(rule, {hyper.name: values})
    with pytest.raises(DomainError, match=r"weight_decay\[1\] is -0.1"):
        StackedRule(rule, weight_decay=column([0.0, -0.1]))


def test_an_unknown_hyperparameter_is_refused_with_the_nearest_name():
    rule = next(r for r in RULES if "beta1" in r.hyper)
    with pytest.raises(UsageError, match="Did you mean 'beta1'"):
        StackedRule(rule, {"betta1": 0.9})


def test_shapes_that_do_not_fit_are_refused():
    rule, param = RULES[0], start("shapes", 3, 4)
    with pytest.raises(ShapeError, match=r"\(K, P\) was needed"):
        StackedRule(rule).init(param[0])
    with pytest.raises(ShapeError, match="weight_decay has 2 values and param 3 trials"):
        StackedRule(rule, weight_decay=column([0.0, 0.1])).init(param)
    stepper = StackedRule(rule)
    with pytest.raises(ShapeError, match="makes the state"):
        stepper.step(param, param, column([1.0] * 3))
    stepper.init(param)
    for args in (
        (param, param[:2], column([1.0] * 3)),
        (param, param, column([1.0] * 2)),
        (param, param, column([1.0])),
    ):
        with pytest.raises(ShapeError):
            stepper.step(*args)
    other = StackedRule(rule)
    other.init(param[:2])
    with pytest.raises(ShapeError, match="the saved state holds"):
        stepper.load(other.state)
