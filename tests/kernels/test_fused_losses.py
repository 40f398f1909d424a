"""Compiled losses equal their declarations: values, gradients, what is never read, and when they step back."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from steepest import losses
from steepest.core import digits
from steepest.core.faster import kernel_of
from steepest.core.loss import Loss
from steepest.core.reduce import reduce
from steepest.kernels.compiled import library

FUSED = [item for item in losses if kernel_of(item.__module__) is not None]
SETTINGS: dict[str, list[dict[str, float]]] = {
    "focal": [{}, {"gamma": 0.0}, {"gamma": 0.5}, {"gamma": 3.7}],
    "sigmoid_focal": [{}, {"gamma": 0.0}, {"gamma": 0.5, "alpha": 0.9}],
    "bce_with_logits": [{}, {"pos_weight": 3.6}],
    "poly": [{}, {"epsilon": -0.5}],
    "asl": [{}, {"gamma_pos": 1.5, "gamma_neg": 0.5, "margin": 0.2}, {"gamma_neg": 0.0}],
    "huber": [{}, {"delta": 0.3}],
    "smooth_l1": [{}, {"beta": 0.3}],
    "quantile": [{}, {"tau": 0.9}],
    "expectile": [{}, {"tau": 0.9}],
}
WIDTHS = (2, 7, 16, 63, 64, 65, 300, 9000)
ROUNDING = {torch.float32: 2e-5, torch.float64: 1e-12}  # sums of up to 9,000 terms in another order

FUSED_BY_HAND = {"cross_entropy", "focal", "bce_with_logits", "sigmoid_focal", "mse", "huber"}
each_fused = pytest.mark.parametrize("loss", FUSED, ids=lambda item: item.name)
each_dtype = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


@pytest.fixture(autouse=True, scope="module")
def compiled():
    if library("softmax_rows", "float") is None:
        pytest.skip("no C++ compiler on this machine: the declared bodies run")


@pytest.fixture(autouse=True)
def small_batches_too(monkeypatch):
    """Small float64 batches are otherwise computed on more digits than these forms have."""
    monkeypatch.setattr(digits, "FINEST", 0)


def batch(loss: Loss, n: int, width: int, dtype: torch.dtype, seed: int = 0) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    x = (5 * torch.randn(n, width, generator=draw, dtype=torch.float64)).to(dtype)
    if loss.target.name == "classes":
        return x, torch.randint(width, (n,), generator=draw)
    if loss.target.name == "same":
        return x, (5 * torch.randn(n, width, generator=draw, dtype=torch.float64)).to(dtype)
    return x, torch.rand(n, width, generator=draw, dtype=torch.float64).round(decimals=1).to(dtype)


def declared(loss: Loss, x: Tensor, y: Tensor, reduction: str = "mean", **options) -> Tensor:
    """The reduced loss by the declared body: values of items, then plain sums."""
    if reduction in ("none", "sample"):
        return reduce(loss.items(x, y, **options), reduction)
    numerator, denominator = loss.parts(x, y, **options)
    return numerator if reduction == "sum" else numerator / (len(x) if reduction == "batchmean" else denominator)


def both(loss: Loss, x: Tensor, y: Tensor, **options) -> tuple[list[Tensor], list[Tensor]]:
    found = []
    for function in (loss, lambda *args, **kw: declared(loss, *args, **kw)):
        leaf = x.clone().requires_grad_()
        value = function(leaf, y, **options)
        value.backward(torch.linspace(1, 2, value.numel(), dtype=value.dtype).reshape(value.shape))
        found.append([value.detach(), leaf.grad])
    return found[0], found[1]


def agree(ours: list[Tensor], theirs: list[Tensor]) -> None:
    room = ROUNDING[ours[0].dtype]
    torch.testing.assert_close(ours[0], theirs[0], rtol=room, atol=0.01 * room)
    torch.testing.assert_close(ours[1], theirs[1], rtol=room, atol=room * theirs[1].abs().max().item())


ONE_CALL = ("MseLossBackward0", "HuberLossBackward0", "SmoothL1LossBackward0")
"""What a small batch is left to."""


def is_compiled(value: Tensor) -> bool:
    """A node of its own, or what the mean of each sample makes of one."""
    names, found = [value.grad_fn], set()
    while names:
        node = names.pop()
        found.add(type(node).__name__)
        names += [further for further, _ in node.next_functions if further is not None]
    return bool(found & {"_NodeBackward", *ONE_CALL})


def test_the_kernels_are_found():
    assert FUSED_BY_HAND <= {item.name for item in FUSED}


@each_fused
@each_dtype
@pytest.mark.parametrize("reduction", ["mean", "sum", "batchmean", "none", "sample"])
def test_value_and_gradient_are_those_of_the_declaration(loss, dtype, reduction):
    for width in WIDTHS:
        x, y = batch(loss, 37, width, dtype)
        for hyper in SETTINGS.get(loss.name, [{}]):
            assert is_compiled(loss(x.clone().requires_grad_(), y, reduction=reduction, **hyper))
            agree(*both(loss, x, y, reduction=reduction, **hyper))


@each_fused
def test_weights_masks_and_ignored_labels_are_those_of_the_declaration(loss):
    x, y = batch(loss, 50, 6, torch.float64)
    weight = torch.rand(50, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    weight[::7] = 0
    options = {
        "weight": weight,
        "mask": torch.arange(50) % 5 != 0,
        "ignore_index": 3 if y.dtype == torch.int64 else 0.5,
    }
    if loss.target.name == "classes":
        options["class_weight"] = torch.tensor([0.0, 1, 2, 3, 4, 5], dtype=torch.float64)
    for names in (["weight"], ["mask"], ["ignore_index"], list(options)):
        chosen = {name: options[name] for name in names}
        for normalize in ("weight", "count", "batch"):
            value = loss(x.clone().requires_grad_(), y, normalize=normalize, **chosen)
            assert is_compiled(value)
            numerator, denominator = loss.parts(x, y, normalize=normalize, **chosen)
            torch.testing.assert_close(value.detach(), numerator / denominator, rtol=1e-12, atol=0)
        agree(*both(loss, x, y, **chosen))


@each_fused
def test_a_sum_beyond_float32_is_infinite(loss):
    x, y = batch(loss, 10, 40, torch.float32)
    value = loss((x * 1e37).requires_grad_(), y, reduction="sum")
    value.backward()
    torch.testing.assert_close(value, loss.items(x * 1e37, y).values.sum())
    assert is_compiled(value) and value > 1e37


OF_CLASSES = [item for item in FUSED if item.target.name == "classes"]


@pytest.mark.parametrize("loss", OF_CLASSES, ids=lambda item: item.name)
@pytest.mark.parametrize("shape", [(3, 5, 4, 7), (2, 21, 40), (2, 90, 3, 6), (1, 2, 16)], ids=str)
def test_pixels_are_items_whose_logits_lie_apart(loss, shape):
    draw = torch.Generator().manual_seed(0)
    x = 5 * torch.randn(shape, generator=draw, dtype=torch.float64)
    y = torch.randint(shape[1], (shape[0], *shape[2:]), generator=draw)
    options = {
        "weight": torch.rand(y.shape, generator=draw, dtype=torch.float64).round(decimals=1),
        "class_weight": torch.rand(shape[1], generator=draw, dtype=torch.float64),
        "ignore_index": 1,
    }
    for reduction in ("mean", "none", "sample"):
        for said in ({}, options, {"weight": torch.arange(shape[0]) + 0.5}):
            assert is_compiled(loss(x.clone().requires_grad_(), y, **said))
            agree(*both(loss, x, y, reduction=reduction, **said))
    dirty = torch.where((y == 1).unsqueeze(1), torch.nan, x)
    clean = both(loss, x, y, ignore_index=1)[0]
    assert all(map(torch.equal, both(loss, dirty, y, ignore_index=1)[0], clean))


@pytest.mark.parametrize("shape", [(30, 5), (30, 64), (30, 300), (3, 5, 4, 7), (2, 90, 20)], ids=str)
@each_dtype
def test_smoothed_labels_are_those_of_the_declaration(shape, dtype):
    draw = torch.Generator().manual_seed(0)
    x = (5 * torch.randn(shape, generator=draw, dtype=torch.float64)).to(dtype)
    y = torch.randint(shape[1], (shape[0], *shape[2:]), generator=draw)
    loss = losses.cross_entropy
    for smoothing in (0.1, 1.0):
        for said in ({}, {"ignore_index": 2}):
            options = {"label_smoothing": smoothing, **said}
            assert is_compiled(loss(x.clone().requires_grad_(), y, **options))
            for reduction in ("mean", "none"):
                agree(*both(loss, x, y, reduction=reduction, **options))


@pytest.mark.parametrize("width", [2, 10, 300])
@each_dtype
def test_shares_of_classes_are_those_of_the_declaration(width, dtype):
    draw = torch.Generator().manual_seed(0)
    loss = losses.cross_entropy
    x = (5 * torch.randn(40, width, generator=draw, dtype=torch.float64)).to(dtype)
    y = torch.randn(40, width, generator=draw, dtype=torch.float64).mul(3).softmax(1).to(dtype)
    y[::5] = torch.eye(width, dtype=dtype)[torch.arange(8) % width]
    weight = torch.rand(40, generator=draw, dtype=torch.float64).round(decimals=1).to(dtype)
    for said in ({}, {"weight": weight}, {"mask": torch.arange(40) % 3 != 0}):
        assert is_compiled(loss(x.clone().requires_grad_(), y, **said))
        for reduction in ("mean", "sum", "batchmean", "none"):
            agree(*both(loss, x, y, reduction=reduction, **said))
    dirty = torch.where((torch.arange(40) % 3 != 0).unsqueeze(1), x, torch.nan)
    clean = both(loss, x, y, mask=torch.arange(40) % 3 != 0)[0]
    assert all(map(torch.equal, both(loss, dirty, y, mask=torch.arange(40) % 3 != 0)[0], clean))
    without = x.clone()
    without[1, 0], y[1] = -torch.inf, torch.eye(width, dtype=dtype)[1]
    assert loss(without, y).isfinite()


@each_fused
def test_what_has_no_weight_is_never_read(loss):
    x, y = batch(loss, 40, 70, torch.float32)
    mask = torch.arange(40) % 3 != 1
    clean = both(loss, x, y, mask=mask)[0]
    x[~mask] = torch.nan
    y[~mask] = 99
    dirty = both(loss, x, y, mask=mask)[0]
    assert torch.equal(clean[0], dirty[0]) and torch.equal(clean[1], dirty[1]) and not dirty[1][~mask].any()


@each_fused
def test_a_nan_that_counts_is_not_hidden(loss):
    for width in (5, 100):
        x, y = batch(loss, 20, width, torch.float32)
        x[3, 2] = torch.nan
        assert loss(x, y).isnan()


@pytest.mark.parametrize("loss", OF_CLASSES, ids=lambda item: item.name)
def test_an_impossible_logit_of_a_masked_class_is_a_probability_of_zero(loss):
    for width in (5, 100):
        x, y = batch(loss, 20, width, torch.float64)
        x[:, 1], y[y == 1] = -torch.inf, 0
        kept = [c for c in range(width) if c != 1]
        torch.testing.assert_close(loss(x, y), loss(x[:, kept], torch.where(y > 1, y - 1, y)), rtol=1e-12, atol=0)
        gradient = both(loss, x, y)[0][1]
        assert gradient.isfinite().all() and not gradient[:, 1].any()


@each_fused
def test_many_tasks_in_threads_give_the_bits_of_one_thread(loss):
    x, y = batch(loss, 3_000, 400, torch.float32)
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(both(loss, x, y)[0])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(found[0][0], found[1][0]) and torch.equal(found[0][1], found[1][1])


@each_fused
def test_a_second_backward_and_a_scaled_one_give_the_same_gradient(loss):
    x, y = batch(loss, 20, 6, torch.float64)
    leaf = x.clone().requires_grad_()
    value = loss(leaf, y)
    (first,) = torch.autograd.grad(value, leaf, retain_graph=True)
    (second,) = torch.autograd.grad(3 * value, leaf)
    torch.testing.assert_close(second, 3 * first, rtol=1e-12, atol=1e-15)


@each_fused
def test_a_gradient_handed_over_is_the_callers_own(loss):
    x, y = batch(loss, 20, 6, torch.float64)
    leaf = x.clone().requires_grad_()
    value = loss(leaf, y)
    (first,) = torch.autograd.grad(value, leaf, retain_graph=True)
    kept = first.clone()
    first.zero_()
    torch.testing.assert_close(torch.autograd.grad(value, leaf)[0], kept, rtol=1e-12, atol=1e-15)


@each_fused
def test_it_steps_back_where_only_the_declaration_can_answer(loss):
    x, y = batch(loss, 12, 6, torch.float64)
    leaf = x.clone().requires_grad_()
    learned = torch.ones(12, dtype=torch.float64, requires_grad=True)
    loss(leaf, y, weight=learned).backward()
    assert learned.grad.any()
    wide = x.T.contiguous().T.requires_grad_()
    assert not is_compiled(loss(wide, y))
    if loss.hyper:
        name = next(iter(loss.hyper))
        gamma = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
        value = loss(leaf, y, **{name: gamma})
        value.backward()
        assert not is_compiled(value) and gamma.grad != 0
