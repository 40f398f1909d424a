"""The compiled step of a rule gives what its operations give one by one, and leaves alone what it cannot take."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

import steepest.optim.stacked
import steepest.optim.work
from steepest import optim
from steepest.core.declare import rule as rule_of
from steepest.core.domains import NonNegative
from steepest.kernels import steps
from steepest.kernels.compiled import compiled_text
from steepest.optim.optimizer import class_of
from steepest.optim.stacked import StackedRule
from steepest.optim.wholes import norm

SHAPES = ((70, 31), (5,), (), (1, 2049))
ELEMENTWISE = [rule for rule in optim if rule.looks_at == "elementwise" and rule.name not in ("lbfgs", "sparse_adam")]
each_rule = pytest.mark.parametrize("rule", ELEMENTWISE, ids=lambda rule: rule.name)


@pytest.fixture(autouse=True, scope="module")
def compiler():
    if compiled_text("nothing", "", ()) is None:
        pytest.skip("no C++ compiler on this machine: the operations run one by one")


@pytest.fixture
def compiled_steps(monkeypatch) -> list[int]:
    """How many rows each compiled call took."""
    taken: list[int] = []
    call = steps._call
    monkeypatch.setattr(steps, "_call", lambda *args: taken.append(len(args[3])) or call(*args))
    return taken


def parameters(dtype: torch.dtype, shapes=SHAPES) -> list[Tensor]:
    draw = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=draw, dtype=torch.float64).to(dtype).requires_grad_() for shape in shapes]


def train(rule, params: list[Tensor], n_steps: int = 20, **options) -> list[Tensor]:
    """The parameters, and the states, after some steps along the same gradients."""
    draw = torch.Generator().manual_seed(1)
    optimizer = class_of(rule)(params, **options)
    for _ in range(n_steps):
        for param in params:
            param.grad = torch.randn(param.shape, generator=draw, dtype=torch.float64).to(param.dtype)
        optimizer.step()
    states = [value for param in params for name, value in optimizer.state[param].items() if value.shape == param.shape]
    return [*params, *states]


class RightRoots(TorchFunctionMode):
    """torch's root comes from MKL, and is one unit off in one float32 of six and in one float64 of fifty."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is torch.sqrt:
            return kwargs["out"].copy_(torch.from_numpy(np.asarray(np.sqrt(args[0].numpy()))))
        return func(*args, **(kwargs or {}))


def one_by_one(monkeypatch, *args, **options) -> list[Tensor]:
    with monkeypatch.context() as without, RightRoots():
        without.setattr(steepest.optim.work, "steps", lambda: None)
        return train(*args, **options)


def same(found: list[Tensor], expected: list[Tensor]) -> None:
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        assert torch.equal(a, b), f"{int((a != b).sum())} of {a.numel()} differ"


def options_of(rule) -> dict[str, float]:
    return {} if rule.decay == "none" else {"weight_decay": 0.05}


@each_rule
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_each_bit_is_that_of_the_operations_one_by_one(rule, dtype, monkeypatch, compiled_steps):
    ours = train(rule, parameters(dtype), **options_of(rule))
    assert compiled_steps == [len(SHAPES)] * 20
    same(ours, one_by_one(monkeypatch, rule, parameters(dtype), **options_of(rule)))


@each_rule
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_tensor_walked_through_in_parts_has_the_same_bits(rule, dtype, monkeypatch, compiled_steps):
    shapes = ((40_003,), (24_500,))
    ours = train(rule, parameters(dtype, shapes), 3, **options_of(rule))
    assert compiled_steps == [len(shapes)] * 3
    same(ours, one_by_one(monkeypatch, rule, parameters(dtype, shapes), 3, **options_of(rule)))


def test_maximising_goes_up_by_the_same_bits(monkeypatch, compiled_steps):
    for name in ("adamw", "rmsprop", "rprop"):
        rule = getattr(optim, name)
        ours = train(rule, parameters(torch.float64), maximize=True)
        same(ours, one_by_one(monkeypatch, rule, parameters(torch.float64), maximize=True))
    assert compiled_steps


def test_many_tasks_in_threads_give_the_bits_of_one_thread(monkeypatch, compiled_steps):
    monkeypatch.setattr(steps, "PER_TASK", 1000)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(train(optim.adamw, parameters(torch.float32)))
    finally:
        torch.set_num_threads(before)
    same(*found)
    assert len(compiled_steps) == 40


def test_tensors_that_lie_otherwise_in_memory_are_moved_alike(monkeypatch, compiled_steps):
    def mixed() -> list[Tensor]:
        plain, images, turned, half = parameters(torch.float64, ((80, 64), (8, 3, 5, 5), (30, 20), (40,)))
        images = images.detach().to(memory_format=torch.channels_last).requires_grad_()
        turned = turned.detach().T.requires_grad_()
        return [plain, images, turned, half.detach().bfloat16().requires_grad_()]

    ours = train(optim.adamw, mixed())
    assert set(compiled_steps) <= {1, 2}
    for found, expected in zip(ours, one_by_one(monkeypatch, optim.adamw, mixed())):
        # torch's loops over turned tensors fuse other products and sums than those over straight ones
        torch.testing.assert_close(found, expected, rtol=1e-13, atol=0)


def test_parameters_without_a_gradient_and_of_another_age_keep_their_own_count(monkeypatch, compiled_steps):
    def run() -> list[Tensor]:
        params = parameters(torch.float64)
        optimizer = optim.NAdam(params, lr=0.01)
        for step in range(6):
            for place, param in enumerate(params):
                param.grad = torch.full_like(param, 0.1 * step + place) if (step + place) % 3 else None
            optimizer.step()
        return [*params, *(optimizer.state[param]["step"] for param in params)]

    ours = run()
    assert compiled_steps
    monkeypatch.setattr(steepest.optim.work, "steps", lambda: None)
    with RightRoots():
        same(ours, run())


def test_a_copied_and_a_loaded_optimizer_go_on_with_the_same_bits(compiled_steps):
    params = parameters(torch.float32)
    optimizer = optim.AdamW(params, lr=0.01)
    for param in params:
        param.grad = torch.ones_like(param)
    optimizer.step()
    others = copy.deepcopy(params)
    for other, param in zip(others, params):
        other.grad = param.grad
    loaded = optim.AdamW(others)
    loaded.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    optimizer.step()
    loaded.step()
    assert len(compiled_steps) == 3
    same(params, others)


@pytest.mark.parametrize("name", ["lamb", "lars", "mars"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_rules_that_take_norms_are_compiled_too(name, dtype, compiled_steps):
    """Beside their bodies: a norm is summed in another order, so that some roundings differ."""
    rule = optim[name]
    shapes = (*SHAPES[:2], (300, 200), (7,))
    ours = train(rule, parameters(dtype, shapes), weight_decay=0.05)
    assert compiled_steps == [len(shapes)] * 20
    theirs = train(rule, parameters(dtype, shapes), weight_decay=0.05, fused=False)
    assert len(compiled_steps) == 20
    for found, expected in zip(ours, theirs, strict=True):
        assert (found - expected).abs().max() <= 64 * torch.finfo(dtype).eps * expected.abs().max()


@rule_of(looks_at="matrix", use="", source="")
def reads_its_mean_again(
    grad: Tensor, mean: Tensor, twin: Tensor, scale: Tensor, push: Tensor, *, t: Any, lr: NonNegative = 0.1
) -> tuple:
    mean = 0.9 * mean + grad
    scale = scale + grad * grad
    push = 0.5 * push + grad
    along, across = mean / (scale.sqrt() + 1), mean * push
    step = along / (norm(along) + 1) + across / (norm(across) + 1) + mean / (norm(mean) + 1)
    return lr * step, mean, mean, scale, push


@rule_of(looks_at="matrix", use="", source="")
def reads_its_mean_as_it_was(grad: Tensor, mean: Tensor, scale: Tensor, *, t: Any, lr: NonNegative = 0.1) -> tuple:
    before = 0.5 * mean
    mean = 0.9 * mean + grad
    scale = 0.9 * scale + grad * grad
    along = mean / (1 + scale)
    return lr * (along / (norm(along) + 1) + before), mean, scale


each_with_norms = pytest.mark.parametrize(
    "rule", [optim.lamb, reads_its_mean_again, reads_its_mean_as_it_was], ids=lambda rule: rule.name
)


@each_with_norms
def test_what_is_made_for_norms_is_not_made_otherwise_in_the_last_pass(rule, compiled_steps):
    """The largest tensor has more elements than are kept between passes."""
    shapes = ((1500, 1400), (300, 200), (7,))
    ours = train(rule, parameters(torch.float64, shapes), 3)
    assert compiled_steps == [len(shapes)] * 3
    theirs = train(rule, parameters(torch.float64, shapes), 3, fused=False)
    for found, expected in zip(ours, theirs, strict=True):
        assert (found - expected).abs().max() <= 64 * torch.finfo(torch.float64).eps * expected.abs().max()


def test_threads_never_cut_a_tensor_of_which_a_norm_is_taken(monkeypatch, compiled_steps):
    monkeypatch.setattr(steps, "PER_TASK", 1000)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(train(optim.lamb, parameters(torch.float32)))
    finally:
        torch.set_num_threads(before)
    same(*found)
    assert len(compiled_steps) == 40


def test_small_groups_wait_for_no_compiler(compiled_steps):
    train(optim.adamw, parameters(torch.float32, ((63, 65),)))
    assert not compiled_steps


def test_fused_false_keeps_the_operations_one_by_one(compiled_steps):
    train(optim.adamw, parameters(torch.float32), fused=False)
    assert not compiled_steps
    train(optim.adamw, parameters(torch.float32), fused=True)
    assert len(compiled_steps) == 20


def test_foreach_false_does_where_torch_knows_no_fused(compiled_steps):
    train(optim.nadam, parameters(torch.float32), foreach=False)
    assert not compiled_steps
    train(optim.adamw, parameters(torch.float32), foreach=False)
    assert len(compiled_steps) == 20


def test_the_switch_leaves_everything_to_torch(monkeypatch):
    monkeypatch.setenv("STEEPEST_KERNELS", "0")
    assert compiled_text("nothing", "", ()) is None


@each_rule
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_trials_side_by_side_have_the_bits_of_the_operations_one_by_one(rule, dtype, monkeypatch):
    draw = torch.Generator().manual_seed(0)
    start = torch.randn(3, 1500, generator=draw, dtype=torch.float64).to(dtype)
    grads = [torch.randn(3, 1500, generator=draw, dtype=torch.float64).to(dtype) for _ in range(10)]
    lr, alive = torch.tensor([0.001, 0.01, 0.1], dtype=torch.float64), torch.tensor([True, True, False])
    found, taken = [], []
    ours = steepest.optim.stacked.row_steps()
    for executor in (lambda *args: taken.append(ours(*args)) or taken[-1], None):
        monkeypatch.setattr(steepest.optim.stacked, "row_steps", lambda chosen=executor: chosen)
        param, stepper = start.clone(), StackedRule(rule, weight_decay=0.0 if rule.decay == "none" else 0.05)
        stepper.init(param)
        with RightRoots():
            for step, grad in enumerate(grads):
                stepper.step(param, grad, lr, alive if step == 5 else None)
        found.append([param, *stepper.state.values()])
    # the two that live at the sixth step are too small a group
    assert [move is not None for move in taken] == [True] * 5 + [False] + [True] * 4
    same(*found)


@each_rule
def test_a_step_bound_to_its_tensors_is_the_step(rule):
    draw = torch.Generator().manual_seed(0)
    start = torch.randn(4, 1500, generator=draw, dtype=torch.float64)
    lr, found = torch.tensor([0.001, 0.002, 0.01, 0.1], dtype=torch.float64), []
    for is_bound in (False, True):
        param, grad, stepper = start.clone(), torch.empty_like(start), StackedRule(rule)
        stepper.init(param)
        step = stepper.bound(param, grad) if is_bound else lambda rates: stepper.step(param, grad, rates)  # noqa: B023
        for seed in range(6):
            grad.copy_(torch.randn(start.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64))
            step(lr)
        found.append([param, *stepper.state.values()])
    for one, other in zip(*found):  # a power of floats and one of tensors may differ by a rounding
        assert torch.allclose(one, other, rtol=1e-12, atol=1e-14)
