"""Convolutions and max-pooling of small images on a processor, faster than torch's where channels are few (images.cpp).

Inside `with FasterImages():` they and BatchNorm are answered by our kernels where that pays and a compiler is at hand, by
torch elsewhere. `conv2d_of_models` does the same for K models at once, each by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from ctypes import CDLL, c_int64
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from .compiled import library
from .norms import batch_norm
from .plain import are_plain, at

LARGEST_BLOCK_BYTES = 2**22
"""16 samples before or after a layer, side by side: more leaves the cache, and torch is as fast."""
FULL_LANES = 16
"""Torch's kernels put output channels into the lanes of a vector: where they fill them, torch is faster or as fast, but
for 4 to 15 input channels, and of K models at once for less than 4, too. bench/images.py prints both."""
Pair = tuple[int, int]


def has_kernels() -> bool:
    """There is a compiler, or what it made is kept; the first time takes some seconds."""
    return _functions() is not None


def _functions() -> CDLL | None:
    return library("images", "float")


class FasterImages(TorchFunctionMode):
    """What torch computes, to the last rounding or two, and always the same bits."""

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        own = _OWN.get(func)
        found = None if own is None else own(*args, **kwargs)
        return func(*args, **kwargs) if found is None else found


class Convolutions(TorchFunctionMode):
    """Counts those of a forward pass: all of them, those of a kind that these kernels know, and those that they answer."""

    def __init__(self) -> None:
        super().__init__()
        self.n = self.n_known = self.n_answered = 0

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        if _OWN.get(func) is conv2d:
            self.n += 1
            self.n_known += _known(*args, **(kwargs or {})) is not None
            self.n_answered += conv2d(*args, **(kwargs or {})) is not None
        return func(*args, **(kwargs or {}))

    @property
    def are_known(self) -> bool:
        return 0 < self.n == self.n_known

    @property
    def are_answered(self) -> bool:
        return 0 < self.n == self.n_answered


def conv2d(*args: Any, **options: Any) -> Tensor | None:
    """torch.conv2d; None where torch is to answer."""
    known = _known(*args, **options)
    if known is None or len(known.weight) % FULL_LANES == 0 and not 4 <= known.weight.shape[1] < FULL_LANES:
        return None
    return _Convolution.apply(*known)


def conv2d_of_models(input: Tensor, weight: Tensor, bias: Tensor | None, *places: Any) -> Tensor | None:
    """input (K, N, C, H, W), weight (K, O, C, kh, kw), bias (K, O) -> (K, N, O, h, w); None where torch is to answer.

    Each model by itself, so that its bits do not depend on the others. Their weights may lie apart, and images be the same
    for all; images that lie in another order are copied. places: stride, padding, dilation, groups.
    """
    given, pad = [t for t in (input, weight, bias) if t is not None], _own_padding(*places)
    if pad is None or input.dim() != 5 or not are_plain(given) or not has_kernels():
        return None
    x, *rest = (t[0] for t in given)
    if not _are_sizes_ours([x, *rest], pad) or not all(t.is_contiguous() for t in rest):
        return None
    if len(rest[0]) % FULL_LANES == 0 and rest[0].shape[1] >= FULL_LANES:
        return None
    return _Convolution.apply(input if x.is_contiguous() else input.contiguous(), weight, bias, pad)


def max_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | None:
    """None where torch is to answer."""
    size = _pair(kernel_size)
    if size is None or size[0] != size[1] or ceil_mode or return_indices:
        return None
    if stride not in (None, [], ()) and _pair(stride) != size or _pair(padding) != (0, 0) or _pair(dilation) != (1, 1):
        return None
    if not are_plain([input]) or not input.is_contiguous():
        return None
    if input.dim() != 4 or not 2 <= size[0] <= 15 or not input.numel():
        return None
    return None if min(input.shape[2:]) < size[0] else _Largest.apply(input, size[0])


_OWN: dict[Any, Callable[..., Tensor | None]] = {
    torch.conv2d: conv2d,
    F.conv2d: conv2d,
    F.max_pool2d: max_pool2d,
    torch.max_pool2d: max_pool2d,
    F.batch_norm: batch_norm,
}


class _Known(NamedTuple):
    input: Tensor
    weight: Tensor
    bias: Tensor | None
    pad: Pair


def _known(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> _Known | None:
    """A convolution that the kernels know; None of another."""
    given, pad = [t for t in (input, weight, bias) if t is not None], _own_padding(stride, padding, dilation, groups)
    if pad is None or not are_plain(given) or not all(t.is_contiguous() for t in given):
        return None
    return _Known(input, weight, bias, pad) if _are_sizes_ours(given, pad) and has_kernels() else None


def _own_padding(stride: Any, padding: Any, dilation: Any, groups: int) -> Pair | None:
    """The zeros at the edges of a convolution of our kind; None of another kind."""
    is_ours = groups == 1 and _pair(stride) == (1, 1) and _pair(dilation) == (1, 1)
    return _pair(padding) if is_ours else None


def _are_sizes_ours(given: list[Tensor], pad: Pair) -> bool:
    """Of images, weights and biases that belong together, in the cache 16 at a time."""
    x, weight, *bias = given
    if x.dim() != 4 or weight.dim() != 4:
        return False
    (n, channels, height, width), (out, of, kh, kw) = x.shape, weight.shape
    rows, columns = height + 2 * pad[0] - kh + 1, width + 2 * pad[1] - kw + 1
    is_odd = of != channels or min(n, rows, columns) < 1 or pad[0] >= kh or pad[1] >= kw
    if is_odd or any(shift.shape != (out,) for shift in bias):
        return False
    largest = max(channels * height * (width + 2 * pad[1]), out * rows * (columns + 2 * (kw - 1 - pad[1])))
    return largest * 16 * x.element_size() <= LARGEST_BLOCK_BYTES


def _pair(given: Any) -> Pair | None:
    if isinstance(given, int):
        return given, given
    if isinstance(given, (tuple, list)) and len(given) in (1, 2) and all(isinstance(n, int) for n in given):
        return given[0], given[-1]
    return None


class _Convolution(torch.autograd.Function):
    """Of one model, or of K with one axis more in front, which alone need not be contiguous."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, pad: Pair) -> Tensor:
        ctx.save_for_backward(x, weight)
        models, own, kernel = x.shape[:-4], x.shape[-4:], weight.shape[-4:]
        steps = [t.stride(0) if models and t is not None else 0 for t in (x, weight, bias)]
        ctx.pad, ctx.sizes = pad, (c_int64 * 13)(*(models or [1]), *own, kernel[0], *kernel[2:], *pad, *steps)
        rows, columns = (own[i] + 2 * pad[i - 2] - kernel[i] + 1 for i in (2, 3))
        y = x.new_empty(*models, own[0], kernel[0], rows, columns)
        _functions().convolution(ctx.sizes, *map(at, (x, weight, bias, y)))  # type: ignore[union-attr]
        return y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        wanted = ctx.needs_input_grad[:3]
        if torch.is_grad_enabled():  # to be differentiated again
            return *_slopes_by_torch(dy, x, weight, ctx.pad, wanted), None
        dy, dx = dy.contiguous(), x.new_empty(x.shape) if wanted[0] else None
        dweight, dbias = weight.new_zeros(weight.shape), weight.new_zeros(weight.shape[:-3])
        _functions().convolution_slopes(ctx.sizes, *map(at, (x, weight, dy, dx, dweight, dbias)))  # type: ignore[union-attr]
        return dx, dweight if wanted[1] else None, dbias if wanted[2] else None, None


def _slopes_by_torch(dy: Tensor, x: Tensor, weight: Tensor, pad: Pair, wanted: list[bool]) -> list[Tensor | None]:
    """Those of x, weight and bias, by operations that can be differentiated."""
    if x.dim() == 5:
        of_each = [_slopes_by_torch(*own, pad, wanted) for own in zip(dy, x, weight)]
        return [torch.stack(parts) if wanted[i] else None for i, parts in enumerate(zip(*of_each))]  # type: ignore[arg-type]
    sizes = [1, 1], pad, [1, 1], False, [0, 0], 1
    return list(torch.ops.aten.convolution_backward(dy, x, weight, [len(weight)], *sizes, wanted))


class _Largest(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int) -> Tensor:
        n, channels, height, width = x.shape
        y = x.new_empty(n, channels, height // size, width // size)
        place = x.new_empty(y.shape, dtype=torch.uint8)
        ctx.save_for_backward(place)
        ctx.shape, ctx.sizes = x.shape, [c_int64(number) for number in (n * channels, height, width, size)]
        _functions().largest(at(x), *ctx.sizes, at(y), at(place))  # type: ignore[union-attr]
        return y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Any:
        (place,) = ctx.saved_tensors
        if torch.is_grad_enabled():  # to be differentiated again
            return _scattered(dy, place, ctx.shape, ctx.sizes[3].value), None
        dx, dy = dy.new_empty(ctx.shape), dy.contiguous()
        _functions().largest_slopes(at(dy), at(place), *ctx.sizes, at(dx))  # type: ignore[union-attr]
        return dx, None


def _scattered(dy: Tensor, place: Tensor, shape: torch.Size, size: int) -> Tensor:
    """dy (N, C, h, w) at its places in zeros of `shape`, by operations that can be differentiated."""
    rows, columns = (torch.arange(n, device=dy.device) for n in dy.shape[2:])
    k = place.long()
    where = (rows.unsqueeze(1) * size + k // size) * shape[3] + columns * size + k % size
    return dy.new_zeros(*shape[:2], shape[2] * shape[3]).scatter(2, where.flatten(2), dy.flatten(2)).reshape(shape)
