"""Convolutions and max-pooling of small images on a processor, faster than torch's where channels are few (images.cpp).

Inside `with FasterImages():` torch.conv2d and max_pool2d are answered here where that pays, and by torch elsewhere.
"""

from __future__ import annotations

from ctypes import CDLL, c_int64, c_void_p
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from .compiled import library

LARGEST_BLOCK_BYTES = 2**22
"""16 samples before or after a layer, side by side: more leaves the cache, and torch is as fast."""
FULL_LANES = 16
"""Torch's kernels put output channels into the lanes of a vector: where they fill them, torch is faster or as fast, but
for 4 to 15 input channels. bench/images.py prints both."""
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


def _conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor | None:
    """None where torch is to answer."""
    if groups != 1 or _pair(stride) != (1, 1) or _pair(dilation) != (1, 1):
        return None
    pad = _pair(padding)
    given = [input, weight] if bias is None else [input, weight, bias]
    if pad is None or not _are_plain(given) or input.dim() != 4 or weight.dim() != 4:
        return None
    (n, channels, height, width), (out, of, kh, kw) = input.shape, weight.shape
    rows, columns = height + 2 * pad[0] - kh + 1, width + 2 * pad[1] - kw + 1
    is_odd = of != channels or min(n, rows, columns) < 1 or pad[0] >= kh or pad[1] >= kw
    if is_odd or (bias is not None and bias.shape != (out,)):
        return None
    if out % FULL_LANES == 0 and not 4 <= channels < FULL_LANES:
        return None
    largest = max(channels * height * (width + 2 * pad[1]), out * rows * (columns + 2 * (kw - 1 - pad[1])))
    if largest * 16 * input.element_size() > LARGEST_BLOCK_BYTES:
        return None
    return _Convolution.apply(input, weight, bias, pad)


def _max_pool2d(
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
    if not _are_plain([input]) or input.dim() != 4 or not 2 <= size[0] <= 15 or not input.numel():
        return None
    return None if min(input.shape[2:]) < size[0] else _Largest.apply(input, size[0])


_OWN = {torch.conv2d: _conv2d, F.conv2d: _conv2d, F.max_pool2d: _max_pool2d, torch.max_pool2d: _max_pool2d}


def _pair(given: Any) -> Pair | None:
    if isinstance(given, int):
        return given, given
    if isinstance(given, (tuple, list)) and len(given) in (1, 2) and all(isinstance(n, int) for n in given):
        return given[0], given[-1]
    return None


def _are_plain(tensors: list[Tensor]) -> bool:
    """Numbers in memory, one after the other, that nothing but autograd looks at."""
    if torch.is_autocast_enabled("cpu") or torch.autograd.forward_ad._current_level >= 0:
        return False
    return all(
        type(t) in (Tensor, nn.Parameter)
        and t.dtype == torch.float32
        and t.device.type == "cpu"
        and t.layout == torch.strided
        and t.is_contiguous()
        and not torch._C._functorch.is_functorch_wrapped_tensor(t)
        for t in tensors
    )


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, pad: Pair) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.pad, ctx.sizes = pad, (c_int64 * 9)(*x.shape, weight.shape[0], *weight.shape[2:], *pad)
        rows, columns = (x.shape[i] + 2 * pad[i - 2] - weight.shape[i] + 1 for i in (2, 3))
        y = x.new_empty(len(x), len(weight), rows, columns)
        _functions().convolution(ctx.sizes, *map(_at, (x, weight, bias, y)))  # type: ignore[union-attr]
        return y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        wanted = ctx.needs_input_grad[:3]
        if torch.is_grad_enabled():  # to be differentiated again
            sizes = [1, 1], ctx.pad, [1, 1], False, [0, 0], 1
            return *torch.ops.aten.convolution_backward(dy, x, weight, [len(weight)], *sizes, wanted), None
        dy, dx = dy.contiguous(), torch.empty_like(x) if wanted[0] else None
        dweight, dbias = torch.zeros_like(weight), x.new_zeros(len(weight))
        _functions().convolution_slopes(ctx.sizes, *map(_at, (x, weight, dy, dx, dweight, dbias)))  # type: ignore[union-attr]
        return dx, dweight if wanted[1] else None, dbias if wanted[2] else None, None


class _Largest(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int) -> Tensor:
        n, channels, height, width = x.shape
        y = x.new_empty(n, channels, height // size, width // size)
        place = x.new_empty(y.shape, dtype=torch.uint8)
        ctx.save_for_backward(place)
        ctx.shape, ctx.sizes = x.shape, [c_int64(number) for number in (n * channels, height, width, size)]
        _functions().largest(_at(x), *ctx.sizes, _at(y), _at(place))  # type: ignore[union-attr]
        return y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Any:
        (place,) = ctx.saved_tensors
        if torch.is_grad_enabled():  # to be differentiated again
            return _scattered(dy, place, ctx.shape, ctx.sizes[3].value), None
        dx, dy = dy.new_empty(ctx.shape), dy.contiguous()
        _functions().largest_slopes(_at(dy), _at(place), *ctx.sizes, _at(dx))  # type: ignore[union-attr]
        return dx, None


def _scattered(dy: Tensor, place: Tensor, shape: torch.Size, size: int) -> Tensor:
    """dy (N, C, h, w) at its places in zeros of `shape`, by operations that can be differentiated."""
    rows, columns = (torch.arange(n, device=dy.device) for n in dy.shape[2:])
    k = place.long()
    where = (rows.unsqueeze(1) * size + k // size) * shape[3] + columns * size + k % size
    return dy.new_zeros(*shape[:2], shape[2] * shape[3]).scatter(2, where.flatten(2), dy.flatten(2)).reshape(shape)


def _at(tensor: Tensor | None) -> c_void_p:
    return c_void_p(0 if tensor is None else tensor.data_ptr())
