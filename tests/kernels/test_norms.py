"""BatchNorm by our kernels: torch's in twice the digits, running statistics too; of several models each by itself."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from steepest.kernels.images import FasterImages, has_kernels
from steepest.kernels.norms import batch_norm_of_models

pytestmark = pytest.mark.skipif(not has_kernels(), reason="no C++ compiler")

SHAPES = [(1, 1, 4, 8), (3, 5, 7, 6), (16, 4, 8, 8), (2, 3, 50), (5, 2, 3, 4, 5), (64, 12, 26, 26)]
MODELS = 3


def numbers(*shape, seed=0, middle=0.0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) + middle


def is_ours(y):
    return type(y.grad_fn).__name__ == "_NormBackward"


def made(shape, *lead, middle=3.0):
    """Images far from 0, where a variance by squares would lose its digits, and the four tensors of the layer."""
    channels = (*lead, shape[1])
    return [numbers(*lead, *shape, middle=middle), *(numbers(*channels, seed=seed, middle=1.0) for seed in (1, 2, 3)),
            numbers(*channels, seed=4).square() + 0.1]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_gradients_and_running_statistics_are_those_in_twice_the_digits(shape):
    x, weight, bias, mean, var = made(shape)
    exact = [t.double() for t in (x, weight, bias, mean, var)]
    for t in (x, weight, bias, *exact[:3]):
        t.requires_grad_()
    with FasterImages():
        y = F.batch_norm(x, mean, var, weight, bias, True, 0.3, 1e-4)
    truth = F.batch_norm(exact[0], exact[3], exact[4], exact[1], exact[2], True, 0.3, 1e-4)
    assert is_ours(y)
    slope = numbers(*shape, seed=5)
    ours, theirs = torch.autograd.grad(y, (x, weight, bias), slope), torch.autograd.grad(truth, exact[:3], slope.double())
    for a, b in zip([y, mean, var, *ours], [truth, exact[3], exact[4], *theirs]):
        torch.testing.assert_close(a.double(), b, rtol=1e-5, atol=2e-6 * max(1.0, float(b.detach().abs().max())))


@pytest.mark.parametrize("middle", [1e3, 1e4])
def test_a_variance_far_from_zero_keeps_its_digits(middle):
    x, *_ = made((32, 2, 9, 9), middle=middle)
    with FasterImages():
        y = F.batch_norm(x.requires_grad_(), None, None, None, torch.zeros(2), True)
    assert is_ours(y)
    truth = F.batch_norm(x.double(), None, None, None, None, True)
    assert float((y.double() - truth).abs().max()) < 2e-7 * middle


@pytest.mark.parametrize("has", [(True, True, True), (True, False, False), (False, True, True), (False, True, False)])
def test_any_of_its_tensors_may_be_absent(has):
    x, weight, bias, mean, var = made(SHAPES[1])
    stats = [t if has[0] else None for t in (mean, var)]
    kept = [None if t is None else t.clone() for t in stats]
    given = weight if has[1] else None, bias if has[2] else None
    with FasterImages():
        y = F.batch_norm(x.requires_grad_(), *stats, *given, True)
    assert is_ours(y)
    torch.testing.assert_close(y, F.batch_norm(x, *kept, *given, True), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES[:4], ids=str)
def test_models_at_once_have_the_bits_of_each_alone(shape):
    x, weight, bias, mean, var = made(shape, MODELS)
    alone = [[t[k].clone() for t in (x, weight, bias, mean, var)] for k in range(MODELS)]
    for t in (x, weight, bias, *(t for own in alone for t in own[:3])):
        t.requires_grad_()
    y = batch_norm_of_models(x, [mean, var], weight, bias, 0.3, 1e-4)
    slope = numbers(*x.shape, seed=5)
    slopes = torch.autograd.grad(y, (x, weight, bias), slope)
    for k, (x1, weight1, bias1, mean1, var1) in enumerate(alone):
        with FasterImages():
            y1 = F.batch_norm(x1, mean1, var1, weight1, bias1, True, 0.3, 1e-4)
        assert is_ours(y1) and torch.equal(y[k], y1) and torch.equal(mean[k], mean1) and torch.equal(var[k], var1)
        for whole, one in zip(slopes, torch.autograd.grad(y1, (x1, weight1, bias1), slope[k])):
            assert torch.equal(whole[k], one)


@pytest.mark.parametrize("lead", [(), (MODELS,)], ids=["one model", "several"])
def test_gradients_of_gradients_are_torchs(lead):
    def penalty(norm, x, weight, bias):
        (slope,) = torch.autograd.grad((norm(x, weight, bias) ** 3).sum(), x, create_graph=True)
        return slope.square().sum()

    def ours(x, weight, bias):
        if lead:
            return batch_norm_of_models(x, [None, None], weight, bias, 0.1, 1e-5)
        with FasterImages():
            return F.batch_norm(x, None, None, weight, bias, True)

    def theirs(x, weight, bias):
        if not lead:
            return F.batch_norm(x, None, None, weight, bias, True)
        return torch.stack([F.batch_norm(*own, True) for own in ((a, None, None, b, c) for a, b, c in zip(x, weight, bias))])

    given = [t.requires_grad_() for t in made((4, 2, 6, 6), *lead)[:3]]
    exact = [t.detach().double().requires_grad_() for t in given]
    truth = torch.autograd.grad(penalty(theirs, *exact), exact)
    scale = max(float(b.abs().max()) for b in truth)
    for a, b in zip(torch.autograd.grad(penalty(ours, *given), given), truth):
        torch.testing.assert_close(a.double(), b, rtol=1e-3, atol=1e-5 * scale)


OTHERS = {
    "evaluation": lambda x, w: F.batch_norm(x, w, w, w, w, False),
    "double": lambda x, w: F.batch_norm(x.double(), None, None, w.double(), None, True),
    "channels last": lambda x, w: F.batch_norm(x.to(memory_format=torch.channels_last), None, None, w, w, True),
    "small planes": lambda x, w: F.batch_norm(x[..., :3, :3].contiguous(), None, None, w, w, True),
    "rows": lambda x, w: F.batch_norm(x[:, :, 0, 0].contiguous(), None, None, w, w, True),
}


@pytest.mark.parametrize("call", OTHERS.values(), ids=list(OTHERS))
def test_what_the_kernels_do_not_know_torch_answers(call):
    x, w = numbers(3, 2, 8, 8), numbers(2, seed=1).abs() + 0.5
    with FasterImages():
        y = call(x, w)
    assert torch.equal(y, call(x, w))


def test_wrong_input_gets_torchs_own_words():
    with FasterImages(), pytest.raises(ValueError, match="more than 1 value per channel"):
        F.batch_norm(numbers(1, 2, 1, 1), None, None, None, None, True)
    with FasterImages(), pytest.raises(ValueError, match="eps must be positive"):
        F.batch_norm(numbers(2, 2, 6, 6), None, None, torch.ones(2), None, True, eps=0.0)
    with FasterImages(), pytest.raises(RuntimeError, match="2 elements not 3"):
        F.batch_norm(numbers(4, 2, 6, 6), torch.zeros(3), torch.ones(3), None, None, True)


def test_a_module_counts_its_batches_and_a_sample_that_is_not_finite_reaches_its_channel_only():
    norm, x = nn.BatchNorm2d(3), numbers(4, 3, 6, 6)
    x[1, 2] = float("nan")
    with FasterImages():
        y = norm(x)
    assert int(norm.num_batches_tracked) == 1
    assert bool(y[:, :2].isfinite().all()) and bool(y[:, 2].isnan().all())
