"""Every rule is right: equal to its twin in torch or to its slow form, and able to minimise."""

from __future__ import annotations

import inspect

import pytest
import torch
from rule_cases import (
    NAMES,
    RULES,
    batch_of_hyper,
    batch_of_lr,
    by_body,
    distance,
    gradients,
    hyper_values,
    minimised,
    optimizer,
    start,
)

from steepest.core.declare import rule as declare_rule
from steepest.core.domains import Log, NonNegative

every_rule = pytest.mark.parametrize("rule", RULES, ids=NAMES)
twins = [r for r in RULES if (r.equals or "").startswith("torch.optim.")]
every_twin = pytest.mark.parametrize("rule", twins, ids=[r.name for r in twins])


@every_rule
def test_a_rule_has_an_independent_truth(rule):
    assert rule in twins or rule.slow is not None, f"{rule.name} declares neither a twin (equals) nor a slow form"


# -- torch's twins ------------------------------------------------------------------------


@pytest.fixture
def exact_counts():
    """torch keeps step counts and NAdam's product in the default dtype: in float32 they would be what is measured."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def configurations(rule):
    """The defaults, weight decay, each hyperparameter at several values, all changed at once, all but one."""
    decay = {} if rule.decay == "none" else {"weight_decay": 0.1}
    names = [name for name in rule.hyper if name != "lr"]
    tried = {name: hyper_values(rule.hyper[name], 5) for name in names}
    all_changed = {name: tried[name][-1] for name in names} | decay
    all_but_one = [{n: value for n, value in all_changed.items() if n != name} for name in names]
    return [{}, decay, *({name: value} for name in names for value in tried[name][1:]), all_changed, *all_but_one]


def torch_twin(rule, param, lr, options):
    """The twin with the same hyperparameters in torch's spelling; None where torch refuses them."""
    decay = {} if rule.decay == "none" else {"weight_decay": rule.weight_decay}
    spelled = {**decay, **rule.equals_with, **options}
    betas = tuple(name for name in ("beta1", "beta2") if name in rule.hyper)
    for option, names in {**rule.packs, **({"betas": betas} if betas else {})}.items():
        spelled[option] = tuple(spelled.pop(name, rule.hyper[name].default) for name in names)
    twin = getattr(torch.optim, rule.equals.rpartition(".")[2])
    execution = {"foreach": False} if "foreach" in inspect.signature(twin).parameters else {}
    try:
        return twin([param], lr=lr, **execution, **spelled)
    except ValueError:
        return None


# float32: 100 roundings of 6e-8 in parameters and means; the worst seen is 5e-6.
@every_twin
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 2e-5)], ids=["f64", "f32"])
def test_a_rule_equals_its_twin_in_torch_over_100_steps(rule, dtype, tolerance, exact_counts):
    compared = set()
    for options in configurations(rule):
        lr = batch_of_lr(rule, 5)[1]
        ours, theirs = (torch.nn.Parameter(start("twin", 5, 4, dtype=dtype)) for _ in range(2))
        twin = torch_twin(rule, theirs, lr, options)
        if twin is None:
            continue
        mine = optimizer(rule, ours, lr=lr, **options)
        for grad in gradients("twin", 100, 5, 4, dtype=dtype):
            ours.grad, theirs.grad = grad.clone(), grad.clone()
            mine.step()
            twin.step()
        assert distance(ours.detach(), theirs.detach()) < tolerance, options
        compared |= set(options)
    assert compared >= {name for name in rule.hyper if name != "lr"}, "torch refused every value of a hyperparameter"


@every_twin
def test_defaults_are_those_of_the_twin(rule):
    theirs = getattr(torch.optim, rule.equals.rpartition(".")[2])([torch.zeros(1)]).defaults
    ours = optimizer(rule, torch.zeros(1)).defaults
    shared = [name for name in ours if name in theirs and name not in rule.equals_with]
    decay_is_ours = {"weight_decay"} if rule.equals_with else set()  # torch.optim.NAdam decays nothing unless told to
    assert {n: ours[n] for n in shared if n not in decay_is_ours} == {
        n: theirs[n] for n in shared if n not in decay_is_ours
    }
    assert len(shared) >= 3


# -- slow forms ------------------------------------------------------------------------


def by_slow_form(rule, value, grads, lr, weight_decay, hyper):
    """One parameter through the steps, in plain floats."""
    first = {name: rule.initial.get(name, 0.0) for name in rule.states}
    states = {n: value if v == "param" else hyper[v] if isinstance(v, str) else v for n, v in first.items()}
    inside = {"weight_decay": weight_decay} if rule.decay == "inside" else {}
    for t, grad in enumerate(grads, 1):
        grad = grad + weight_decay * value if rule.decay == "coupled" else grad
        value = value - lr * weight_decay * value if rule.decay == "decoupled" else value
        seen = {"param": value} if rule.needs_param else {}
        step, *new = rule.slow(grad, **states, **seen, **inside, t=float(t), lr=lr, **hyper)
        value, states = value - step, dict(zip(rule.states, new))
    return value


def check_slow_form(rule):
    grads = list(gradients("slow", 100, 6))
    param = start("slow", 6)
    batch = batch_of_hyper(rule, 5)
    for k, lr in enumerate(batch_of_lr(rule, 5)):
        hyper = {name: values[k] for name, values in batch.items()}
        decay = 0.0 if rule.decay == "none" else 0.02 * k
        ours = by_body(rule, param, grads, lr, decay, **hyper)
        slow = [
            by_slow_form(rule, v, [float(g[i]) for g in grads], lr, decay, hyper) for i, v in enumerate(param.tolist())
        ]
        assert distance(ours, torch.tensor(slow, dtype=torch.float64)) < 1e-11, hyper


def signs(wrong):
    """A rule with a slow form, right or wrong."""

    @declare_rule(
        use="",
        source="",
        decay="decoupled",
        search={"lr": Log(1e-3, 1e-1)},
        slow=lambda grad, last, *, t, lr: (lr * (((last > 0) - (last < 0)) + wrong), grad),
    )
    def sign_of_last(grad: torch.Tensor, last: torch.Tensor, *, t: float, lr: NonNegative = 0.1) -> tuple:
        return lr * last.sign(), grad

    return sign_of_last


def test_rules_equal_their_slow_forms_over_100_steps():
    for rule in (signs(0.0), *(r for r in RULES if r.slow)):
        check_slow_form(rule)


def test_a_slow_form_that_differs_is_noticed():
    with pytest.raises(AssertionError):
        check_slow_form(signs(1e-6))


# -- what rules are for ------------------------------------------------------------------------


def parabola(p):
    return (torch.logspace(0, 2, p.shape[1], dtype=p.dtype) * p**2).sum(1)


def rosenbrock(p):
    return (1 - p[:, 0]) ** 2 + 100 * (p[:, 1] - p[:, 0] ** 2) ** 2


def matrix_problem(p):
    """|A X B - C|^2, with C so that 0 is reached."""
    a, b = start("A", 6, 4), start("B", 3, 5)
    return ((a @ p.view(-1, 4, 3) @ b - a @ start("X", 4, 3) @ b) ** 2).sum((1, 2))


@every_rule
@pytest.mark.parametrize(
    ("loss", "first", "share"),
    [(parabola, [1.0] * 10, 1e-4), (rosenbrock, [-1.2, 1.0], 5e-2), (matrix_problem, [0.0] * 12, 1e-2)],
    ids=["parabola of condition 100", "Rosenbrock", "matrix"],
)
def test_a_learning_rate_of_the_declared_range_minimises(rule, loss, first, share):
    left = minimised(rule, loss, torch.tensor(first, dtype=torch.float64), n_steps=1000 if share < 5e-2 else 1500)
    assert left.min() < share
