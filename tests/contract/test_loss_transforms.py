"""Every loss works under torch.func and torch.compile, with one value of each hyperparameter per trial."""

from __future__ import annotations

import contextlib
import warnings

import pytest
import torch
from loss_cases import (
    CLASSES,
    LOSSES,
    as_input,
    batch,
    close,
    defaults,
    each_loss,
    each_loss_of_classes,
    each_loss_of_labels,
    each_loss_that_holds_nothing,
    each_loss_with_a_target,
    each_loss_with_numbers,
    numbers_of,
    one_hot,
    value_and_gradient,
)
from torch import Tensor
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vmap

TRIALS = 5


@pytest.fixture(autouse=True)
def no_slow_fallback():
    """vmap warns where it has no batching rule and loops; here that is an error."""
    torch._C._debug_only_display_vmap_fallback_warnings(True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield
    torch._C._debug_only_display_vmap_fallback_warnings(False)


def trials(loss, inner: tuple[int, ...] = (2,)) -> list[Tensor]:
    """A batch for each trial: (K, N, ...), and the target, if there is one."""
    pairs = [batch(loss, 6, inner, seed=k) for k in range(TRIALS)]
    return [torch.stack(part) for part in zip(*pairs) if part[0] is not None]


def loops(function, *stacked: Tensor) -> Tensor:
    return torch.stack([function(*row) for row in zip(*stacked)])


# -- trials ------------------------------------------------------------------------------------------------------------------


@each_loss
@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "sample", "batchmean"])
def test_vmap_over_trials_equals_a_loop(loss, reduction):
    x, *y = trials(loss)
    weight = torch.rand(TRIALS, 6, dtype=torch.float64)
    mask = torch.rand(TRIALS, 6) < 0.7

    def one(x, weight, mask, *y):
        return loss(x, *y, weight=weight, mask=mask, reduction=reduction)

    def slope(*args):
        return grad(lambda *a: one(*a).sum())(*args)

    close(vmap(one)(x, weight, mask, *y), loops(one, x, weight, mask, *y))
    close(vmap(slope)(x, weight, mask, *y), loops(slope, x, weight, mask, *y))
    first = [part[0] for part in (weight, mask, *y)]
    close(vmap(lambda x: one(x, *first))(x), loops(lambda x: one(x, *first), x))


@each_loss_with_a_target
def test_ignored_and_missing_items_under_vmap_equal_a_loop(loss):
    x, y = trials(loss, ())
    y[:, 1] = -100
    y[2] = -100
    x[:, 1] = torch.nan
    x[2] = torch.nan

    def one(x, y):
        return loss(x, y, ignore_index=-100)

    values = vmap(one)(x, y)
    close(values, loops(one, x, y))
    assert values[2] == 0
    slopes = vmap(grad(one))(x, y)
    close(slopes, loops(grad(one), x, y))
    assert not slopes[2].any() and not slopes[:, 1].any()


@each_loss_with_numbers
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_hyperparameter_per_trial_equals_a_loop(loss, dtype):
    x, *y = trials(loss)
    for name in numbers_of(loss):
        allowed = loss.hyper[name].domain.allowed()
        values = [allowed[k % len(allowed)] for k in range(TRIALS)]
        rest = {n: v for n, v in defaults(loss).items() if n != name}

        def one(x, value, *y):
            return loss(x, *y, **{name: value}, **rest)

        for per_trial in (torch.tensor(values, dtype=dtype), torch.tensor(values, dtype=torch.float64)):
            batched = vmap(one)(x.to(dtype), per_trial, *y)
            assert batched.dtype == dtype
            rtol = 1e-12 if dtype == torch.float64 else 1e-6  # the same formula in another order of rounding
            close(batched, torch.stack([one(a.to(dtype), *b) for a, *b in zip(x, values, *y)]), rtol)
        slopes = vmap(grad(one))(x, torch.tensor(values, dtype=torch.float64), *y)
        close(slopes, torch.stack([grad(one)(*row) for row in zip(x, values, *y)]))


@each_loss_with_numbers
def test_a_hyperparameter_has_a_gradient(loss):
    x, y = batch(loss)
    for name in numbers_of(loss):
        rest = {n: v for n, v in defaults(loss).items() if n != name}
        value = torch.tensor(float(loss.hyper[name].domain.allowed()[0]) + 0.01, dtype=torch.float64)

        def at(v):
            return loss(x, y, **{name: v}, **rest)

        step = 1e-6  # central difference: error about step**2, rounding about 1e-16 / step
        torch.testing.assert_close(grad(at)(value), (at(value + step) - at(value - step)) / (2 * step), rtol=1e-7, atol=1e-8)


@each_loss_of_labels
def test_a_smoothing_per_trial_equals_a_loop(loss):
    x, y = trials(loss)
    smoothings = torch.tensor([0.0, 0.05, 0.1, 0.5, 1.0], dtype=torch.float64)
    targets = [y] if y.is_floating_point() else [y, torch.stack([one_hot(t) for t in y])]
    for target in targets:

        def one(x, y, smoothing):
            return loss(x, y, label_smoothing=smoothing)

        expected = torch.stack([one(a, b, s.item()) for a, b, s in zip(x, target, smoothings)])
        close(vmap(one)(x, target, smoothings), expected)


@each_loss_of_classes
def test_a_class_weight_per_trial_equals_a_loop(loss):
    x, y = trials(loss)
    weights = torch.rand(TRIALS, CLASSES, dtype=torch.float64)
    weights[1, 0] = 0

    def one(x, y, w):
        return loss(x, y, class_weight=w, label_smoothing=0.1)

    close(vmap(one)(x, y, weights), loops(one, x, y, weights))
    close(vmap(grad(one))(x, y, weights), loops(grad(one), x, y, weights))


@each_loss
def test_a_population_of_linear_models_trains_as_a_loop_does(loss):
    like, y = batch(loss)
    model = torch.nn.Linear(3, like[0].numel()).double()
    draw = torch.Generator().manual_seed(0)
    stacked = {k: torch.randn(TRIALS, *v.shape, generator=draw, dtype=v.dtype) for k, v in model.named_parameters()}
    features = torch.randn(6, 3, generator=draw, dtype=torch.float64)

    def objective(parameters):
        x = functional_call(model, parameters, (features,))
        return loss(as_input(loss, x.reshape(like.shape)), y)

    batched = vmap(grad(objective))(stacked)
    for k in range(TRIALS):
        alone = grad(objective)({name: value[k] for name, value in stacked.items()})
        for name in alone:
            close(batched[name][k], alone[name])


# -- derivatives -----------------------------------------------------------------------------------------------------------


@each_loss
def test_forward_and_reverse_derivatives_agree(loss):
    x, y = batch(loss, 6, (2,))
    weight = torch.rand(6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def each(x):
        return loss(x, y, weight=weight, reduction="none")

    _, gradient = value_and_gradient(loss, x, y, weight=weight, reduction="sum")
    direction = torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(2))
    close(jvp(lambda x: each(x).sum(), (x,), (direction,))[1], (gradient * direction).sum(), rtol=1e-11)
    close(jacrev(each)(x).flatten(0, -x.dim() - 1).sum(0), gradient)
    close(jacfwd(each)(x), jacrev(each)(x))


@each_loss_that_holds_nothing
def test_the_hessian_is_the_slope_of_the_gradient(loss):
    x, y = batch(loss, 3)

    def total(x):
        return loss(x, y, reduction="sum")

    found = hessian(total)(x).reshape(x.numel(), x.numel())
    step = 1e-6  # central difference of an exact gradient: rounding about 1e-16 / step
    columns = []
    for k in range(x.numel()):
        nudge = torch.zeros_like(x).flatten().index_fill(0, torch.tensor([k]), step).reshape(x.shape)
        columns.append(((grad(total)(x + nudge) - grad(total)(x - nudge)) / (2 * step)).flatten())
    torch.testing.assert_close(found, torch.stack(columns, 1), rtol=1e-6, atol=1e-7)


@each_loss_that_holds_nothing
def test_gradients_have_gradients_in_plain_autograd(loss):
    x, y = batch(loss, 3)
    assert torch.autograd.gradgradcheck(lambda x: loss(x, y), (x.requires_grad_(),))


# -- compilation -----------------------------------------------------------------------------------------------------------


@each_loss
def test_compiled_in_one_graph_equals_eager(loss):
    x, y = batch(loss, 6, (2,), torch.float32)
    weight, mask = torch.rand(6), torch.tensor([True, True, False, True, True, True])
    x[2] = torch.nan

    def objective(x, y, weight, mask):
        return loss(x, y, weight=weight, mask=mask)

    torch._dynamo.reset()
    with _quiet():
        compiled = torch.compile(objective, fullgraph=True, backend="aot_eager")
        _agree(compiled, objective, x, y, weight, mask)


@pytest.mark.slow
@each_loss
def test_compiled_to_machine_code_equals_eager(loss):
    """Twenty seconds: inductor's fusions round differently from eager kernels, and so are tried once each."""
    x, y = batch(loss, 6, (2,), torch.float32)

    def objective(x, y):
        return loss(x, y)

    torch._dynamo.reset()
    with _quiet():
        _agree(torch.compile(objective, fullgraph=True), objective, x, y)


def _agree(compiled, eager, x, *rest) -> None:
    results = []
    for function in (compiled, eager):
        leaf = x.clone().requires_grad_()
        value = function(leaf, *rest)
        value.backward()
        results.append((value.detach(), leaf.grad))
    torch.testing.assert_close(results[0], results[1], rtol=1e-6, atol=1e-6)


@contextlib.contextmanager
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's compiler warns about itself
        yield


def test_there_are_losses_to_transform():
    assert len(LOSSES) >= 9


def test_a_slow_fallback_would_be_noticed():
    x, y = torch.randn(TRIALS, 6, CLASSES), torch.zeros(TRIALS, 6, dtype=torch.long)
    with pytest.raises(UserWarning, match="performance drop"):
        vmap(torch.nn.functional.multi_margin_loss)(x, y)
