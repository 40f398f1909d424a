"""Convolutions and pooling by our kernels are torch's, to rounding, for every batch, edge and gradient."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from steepest.kernels.images import Convolutions, FasterImages, conv2d_of_models, has_kernels

pytestmark = pytest.mark.skipif(not has_kernels(), reason="no C++ compiler")

SHAPES = [  # (samples, channels, height, width, outputs, kernel, padding)
    (3, 1, 9, 11, 2, 3, 0),
    (16, 2, 8, 8, 10, 5, 2),
    (17, 5, 7, 6, 7, (4, 3), (2, 1)),
    (33, 6, 14, 14, 16, 5, 0),
    (2, 12, 5, 9, 24, 3, 1),
    (5, 3, 6, 6, 9, 1, 0),
    (1, 4, 7, 7, 13, 7, 3),
]


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def made(shape):
    n, channels, height, width, outputs, kernel, pad = shape
    kh, kw = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    shapes = (n, channels, height, width), (outputs, channels, kh, kw), (outputs,)
    return [numbers(*one, seed=seed).requires_grad_() for seed, one in enumerate(shapes)], pad


def answered_by_us(y):
    return y.grad_fn is not None and type(y.grad_fn).__name__ in ("_ConvolutionBackward", "_LargestBackward")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_convolution_and_its_gradients_are_those_in_twice_the_digits(shape):
    (x, weight, bias), pad = made(shape)
    with FasterImages():
        y = F.conv2d(x, weight, bias, padding=pad)
    assert answered_by_us(y)
    exact = [t.detach().double().requires_grad_() for t in (x, weight, bias)]
    truth = F.conv2d(*exact, padding=pad)
    slope = numbers(*y.shape, seed=3)
    y.backward(slope)
    truth.backward(slope.double())
    for ours, theirs in [(y, truth), *((a.grad, b.grad) for a, b in zip((x, weight, bias), exact))]:
        # sums of up to 10,000 products of numbers near 1, each rounded to 24 bits
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-6 * float(theirs.detach().abs().max()))


def test_without_a_bias_or_a_gradient_of_the_images_nothing_else_changes():
    (x, weight, bias), pad = made(SHAPES[3])
    with FasterImages():
        whole = F.conv2d(x, weight, bias, padding=pad)
        bare = F.conv2d(x.detach(), weight, None, padding=pad)
    slope = numbers(*whole.shape, seed=3)
    (of_whole,) = torch.autograd.grad(whole, weight, slope)
    (of_bare,) = torch.autograd.grad(bare, weight, slope)
    assert torch.equal(of_whole, of_bare)
    torch.testing.assert_close(bare + bias.reshape(-1, 1, 1), whole)


def test_a_sample_that_is_not_finite_touches_no_other():
    (x, weight, bias), pad = made(SHAPES[2])
    hurt = x.detach().clone()
    hurt[4] = float("nan")
    with torch.no_grad(), FasterImages():
        whole, with_nan = F.conv2d(x, weight, bias, padding=pad), F.conv2d(hurt, weight, bias, padding=pad)
    others = torch.arange(len(x)) != 4
    assert torch.equal(whole[others], with_nan[others]) and bool(with_nan[4].isnan().all())


def test_the_bits_of_a_sample_do_not_depend_on_its_batch():
    (x, weight, bias), pad = made(SHAPES[3])
    with torch.no_grad(), FasterImages():
        assert torch.equal(F.conv2d(x, weight, bias)[20:21], F.conv2d(x[20:21].clone(), weight, bias))


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("shape", [(1, 1, 2, 2), (2, 3, 8, 8), (3, 2, 9, 7), (2, 2, 70, 66), (16, 5, 24, 24)], ids=str)
def test_pooling_is_torchs_to_the_bit_with_ties_and_nan(size, shape):
    if min(shape[2:]) < size:
        pytest.skip("the window is larger than the image")
    x = numbers(*shape).mul(2).round()  # many ties
    x[numbers(*shape, seed=5) > 2] = float("nan")
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    with FasterImages():
        y = F.max_pool2d(ours, size)
    truth = F.max_pool2d(theirs, size)
    slope = numbers(*y.shape, seed=3)
    y.backward(slope)
    truth.backward(slope)
    assert answered_by_us(y)
    torch.testing.assert_close(y, truth, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(ours.grad, theirs.grad)


def test_gradients_of_gradients_are_torchs():
    def penalty(x, weight):
        y = F.max_pool2d(F.conv2d(x, weight, padding=1), 2)
        (slope,) = torch.autograd.grad((y**2).sum(), x, create_graph=True)
        return slope.square().sum()

    x, weight = numbers(4, 2, 6, 6).requires_grad_(), numbers(5, 2, 3, 3, seed=1).requires_grad_()
    with FasterImages():
        ours = torch.autograd.grad(penalty(x, weight), (x, weight))
    for a, b in zip(ours, torch.autograd.grad(penalty(x, weight), (x, weight))):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * float(b.abs().max()))


OTHERS = {
    "a stride": lambda x, w: F.conv2d(x, w, stride=2),
    "a dilation": lambda x, w: F.conv2d(x, w, dilation=2),
    "groups": lambda x, w: F.conv2d(x, w[:, :1].contiguous(), groups=2),
    "words for the padding": lambda x, w: F.conv2d(x, w, padding="same"),
    "more padding than kernel": lambda x, w: F.conv2d(x, w, padding=3),
    "double": lambda x, w: F.conv2d(x.double(), w.double()),
    "channels last": lambda x, w: F.conv2d(x.to(memory_format=torch.channels_last), w),
    "one image": lambda x, w: F.conv2d(x[0], w),
    "no image": lambda x, w: F.conv2d(x[:0], w),
    "sixteen full lanes": lambda x, w: F.conv2d(x, w.repeat(8, 1, 1, 1)),
    "overlapping windows": lambda x, w: F.max_pool2d(x, 3, stride=2),
    "padded windows": lambda x, w: F.max_pool2d(x, 3, padding=1),
    "windows that reach beyond": lambda x, w: F.max_pool2d(x, 3, ceil_mode=True),
    "places too": lambda x, w: F.max_pool2d(x, 2, return_indices=True)[1],
}


@pytest.mark.parametrize("call", OTHERS.values(), ids=list(OTHERS))
def test_what_the_kernels_do_not_know_torch_answers(call):
    x, weight = numbers(3, 2, 8, 8), numbers(4, 2, 3, 3, seed=1)
    with FasterImages():
        ours = call(x, weight)
    assert torch.equal(ours, call(x, weight))


def test_mixed_precision_vmap_and_forward_gradients_stay_torchs():
    x, weight = numbers(3, 2, 8, 8), numbers(4, 2, 3, 3, seed=1)
    with FasterImages(), torch.autocast("cpu", torch.bfloat16):
        assert F.conv2d(x, weight).dtype == torch.bfloat16
    with FasterImages():
        stacked = torch.func.vmap(lambda one: F.conv2d(one, weight))(x.unsqueeze(1))
        _, tangent = torch.func.jvp(lambda one: F.conv2d(one, weight), (x,), (x,))
    torch.testing.assert_close(stacked.squeeze(1), F.conv2d(x, weight))
    torch.testing.assert_close(tangent, F.conv2d(x, weight))


def test_wrong_shapes_get_torchs_own_words():
    with FasterImages(), pytest.raises(RuntimeError, match="channels"):
        F.conv2d(numbers(2, 3, 8, 8), numbers(4, 2, 3, 3))


def test_layers_in_place_and_functions_alike_are_answered():
    net = nn.Sequential(nn.Conv2d(1, 5, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten())
    x, seen = numbers(4, 1, 8, 8), []
    with FasterImages():
        y = net(x)
    node = y.grad_fn
    while node is not None:
        seen.append(type(node).__name__)
        node = node.next_functions[0][0] if node.next_functions else None
    assert seen[1] == "_LargestBackward" and "_ConvolutionBackward" in seen
    ours = torch.autograd.grad(y.square().sum(), list(net.parameters()))
    theirs = torch.autograd.grad(net(x).square().sum(), list(net.parameters()))
    torch.testing.assert_close(ours, theirs)


def test_another_default_type_of_numbers_changes_nothing():
    x, weight = numbers(4, 1, 8, 8).requires_grad_(), numbers(3, 1, 3, 3, seed=1).requires_grad_()

    def slopes():
        return torch.autograd.grad(F.max_pool2d(F.conv2d(x, weight), 2).square().sum(), (x, weight))

    with FasterImages():
        plain = slopes()
        torch.set_default_dtype(torch.float64)
        try:
            others = slopes()
        finally:
            torch.set_default_dtype(torch.float32)
    assert all(torch.equal(a, b) and a.dtype == b.dtype for a, b in zip(plain, others))


# -- several models at once ------------------------------------------------------------------------------------------

MODELS = 3


def made_of_models(shape, *, has_same_images=False, lies="one after the other"):
    """Tensors of several models as a population holds them: weights as views of flat rows."""
    (x, weight, bias), pad = made(shape)
    n_weights = weight.numel()
    rows = numbers(MODELS, n_weights + 5 + bias.numel(), seed=7)
    weights = rows[:, :n_weights].unflatten(1, weight.shape).detach().requires_grad_()
    biases = rows[:, n_weights + 5 :].detach().requires_grad_()
    if has_same_images:
        return (x.detach().expand(MODELS, *x.shape), weights, biases), pad
    images = numbers(MODELS, *x.shape, seed=8)
    if lies == "channels of all models side by side":
        images = images.transpose(0, 1).contiguous().transpose(0, 1)
    return (images.requires_grad_(), weights, biases), pad


def slopes_of(y, tensors):
    return torch.autograd.grad(y, [t for t in tensors if t.requires_grad], numbers(*y.shape, seed=3))


@pytest.mark.parametrize("lies", ["one after the other", "channels of all models side by side"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_models_at_once_have_the_bits_of_each_alone(shape, lies):
    given, pad = made_of_models(shape, lies=lies)
    y = conv2d_of_models(*given, 1, pad, 1, 1)
    slopes = slopes_of(y, given)
    for k in range(MODELS):
        own = [t.detach()[k].contiguous().requires_grad_() for t in given]
        with FasterImages():
            alone = F.conv2d(*own, padding=pad)
        assert answered_by_us(alone) and torch.equal(y[k], alone)
        for whole, one in zip(slopes, torch.autograd.grad(alone, own, numbers(*y.shape, seed=3)[k])):
            assert torch.equal(whole[k], one)


def test_models_may_share_their_images():
    (x, weight, bias), pad = made_of_models(SHAPES[3], has_same_images=True)
    y = conv2d_of_models(x, weight, bias, 1, pad, 1, 1)
    assert x.stride(0) == 0 and torch.equal(y, conv2d_of_models(x.contiguous(), weight, bias, 1, pad, 1, 1))
    assert [g.shape for g in slopes_of(y, (x, weight, bias))] == [weight.shape, bias.shape]


@pytest.mark.parametrize("has_bias", [True, False])
def test_gradients_of_gradients_of_several_models_are_torchs(has_bias):
    def penalty(convolve, x, weight, bias):
        (slope,) = torch.autograd.grad((convolve(x, weight, bias) ** 2).sum(), x, create_graph=True)
        return slope.square().sum()

    def one_by_one(x, weight, bias):
        return torch.stack([F.conv2d(x[k], weight[k], bias[k] if has_bias else None, padding=1) for k in range(MODELS)])

    (x, weight, bias), _ = made_of_models((4, 2, 6, 6, 5, 3, 1))
    if not has_bias:
        bias = None
    wanted = [t for t in (x, weight, bias) if t is not None]
    ours = torch.autograd.grad(penalty(lambda *t: conv2d_of_models(*t, 1, 1, 1, 1), x, weight, bias), wanted)
    for a, b in zip(ours, torch.autograd.grad(penalty(one_by_one, x, weight, bias), wanted)):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * float(b.abs().max()))


OTHERS_OF_MODELS = {
    "a stride": ((2, 3, 2, 8, 8), (2, 4, 2, 3, 3), (2, 0, 1, 1)),
    "groups": ((2, 3, 2, 8, 8), (2, 4, 1, 3, 3), (1, 0, 1, 2)),
    "words for the padding": ((2, 3, 2, 8, 8), (2, 4, 2, 3, 3), (1, "same", 1, 1)),
    "one axis": ((2, 3, 2, 8), (2, 4, 2, 3), (1, 0, 1, 1)),
    "sixteen full lanes on both sides": ((2, 3, 16, 8, 8), (2, 16, 16, 3, 3), (1, 0, 1, 1)),
}


@pytest.mark.parametrize("case", OTHERS_OF_MODELS.values(), ids=list(OTHERS_OF_MODELS))
def test_what_the_kernels_do_not_know_of_several_models_is_left(case):
    of_images, of_weights, places = case
    assert conv2d_of_models(numbers(*of_images), numbers(*of_weights, seed=1), None, *places) is None
    assert conv2d_of_models(numbers(*of_images).double(), numbers(*of_weights, seed=1).double(), None, *places) is None


@pytest.mark.parametrize(
    ("layers", "counts"),
    [
        ([nn.Conv2d(1, 5, 3), nn.Conv2d(5, 6, 3)], (2, 2, 2)),
        ([nn.Conv2d(1, 5, 3), nn.Conv2d(5, 6, 3, stride=2)], (2, 1, 1)),
        ([nn.Conv2d(1, 16, 3)], (1, 1, 0)),
        ([nn.Flatten()], (0, 0, 0)),
    ],
)
def test_convolutions_of_a_pass_are_counted_by_who_answers_them(layers, counts):
    net = nn.Sequential(*layers)
    with Convolutions() as found:
        y = net(numbers(2, 1, 9, 9))
    assert (found.n, found.n_known, found.n_answered) == counts
    assert (found.are_known, found.are_answered) == (0 < counts[0] == counts[1], 0 < counts[0] == counts[2])
    assert torch.equal(y, net(numbers(2, 1, 9, 9)))
