"""Functions and methods inside a forward (torch.relu(x), x.flatten(1), a + b) for values with a leading trial axis."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .dropped_attention import dropped_attention
from .stacked_layers import Run, beside, pooled, shifted, stacked_linear

Stacked = Callable[..., Any]


def _as_it_is(fn: Stacked) -> Stacked:
    return lambda run, *args, **options: fn(*args, **options)


def _method(name: str) -> Stacked:
    return lambda run, x, *args, **options: getattr(x, name)(*args, **options)


def _aligned(fn: Stacked) -> Stacked:
    """Two operands; the one of lower rank gets ones after its trial axis."""

    def stacked(run: Run, a: Any, b: Any, **options: Any) -> Tensor:
        if isinstance(a, Tensor) and isinstance(b, Tensor):
            a, b = beside(a, b), beside(b, a)
        return fn(a, b, **options)

    return stacked


def _pooled(fn: Stacked) -> Stacked:
    return lambda run, x, *args, **options: pooled(lambda planes: fn(planes, *args, **options), x)


def _flatten(run: Run, x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    if start_dim == 0:
        raise NotImplementedError("flatten over the batch axis")
    return x.flatten(shifted(start_dim), shifted(end_dim))


def _reshape(run: Run, x: Tensor, *shape: Any) -> Tensor:
    sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list, torch.Size)) else shape
    return x.reshape(x.shape[0], *sizes)


def _size(run: Run, x: Tensor, dim: int | None = None) -> Any:
    return x.shape[1:] if dim is None else x.shape[shifted(dim)]


def _getattr(run: Run, x: Any, name: str) -> Any:
    if name != "shape":
        raise NotImplementedError(f"the attribute {name!r}")
    return x.shape[1:]


def _getitem(run: Run, x: Any, index: Any) -> Any:
    if not isinstance(x, Tensor):
        return x[index]
    places = index if isinstance(index, tuple) else (index,)
    if any(isinstance(place, (Tensor, list)) for place in places):
        raise NotImplementedError("indexing by a tensor or a list")
    of_all = (slice(None), *places)
    return x[of_all]


def _transpose(run: Run, x: Tensor, dim0: int, dim1: int) -> Tensor:
    return x.transpose(shifted(dim0), shifted(dim1))


def _permute(run: Run, x: Tensor, *dims: Any) -> Tensor:
    order = dims[0] if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
    return x.permute(0, *(dim % (x.dim() - 1) + 1 for dim in order))


def _on_axis(name: str) -> Stacked:
    return lambda run, x, dim: getattr(x, name)(shifted(dim))


def _cut(name: str) -> Stacked:
    return lambda run, x, sizes, dim=0: getattr(x, name)(sizes, shifted(dim))


def _matmul(run: Run, a: Tensor, b: Tensor) -> Tensor:
    if a.dim() < 3 or b.dim() < 3:
        raise NotImplementedError("a product with a vector")
    return beside(a, b) @ beside(b, a)


def _attention(
    run: Run, query: Tensor, key: Tensor, value: Tensor, attn_mask: Any = None, dropout_p: float = 0.0, **options: Any
) -> Tensor:
    if attn_mask is not None:
        raise NotImplementedError("attention with a mask")
    if dropout_p == 0:
        return F.scaled_dot_product_attention(query, key, value, **options)
    return dropped_attention(lambda shares: run.drop("dropout", shares, dropout_p), query, key, value, **options)


def _over_axes(fn: Stacked) -> Stacked:
    def stacked(run: Run, x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
        if dim is None:
            raise NotImplementedError("a reduction over all axes")
        return fn(x, tuple(map(shifted, dim)) if isinstance(dim, (tuple, list)) else shifted(dim), keepdim)

    return stacked


def _along(fn: Stacked) -> Stacked:
    def stacked(run: Run, x: Tensor, dim: int | None = None, **options: Any) -> Tensor:
        if dim is None or options.get("dtype") is not None:
            raise NotImplementedError("softmax without an axis")
        return fn(x, shifted(dim))

    return stacked


def _joined(fn: Stacked) -> Stacked:
    def stacked(run: Run, tensors: Any, dim: int = 0) -> Tensor:
        if dim == 0:
            raise NotImplementedError("joining along the batch axis")
        return fn(list(tensors), shifted(dim))

    return stacked


def _linear(run: Run, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return stacked_linear(x, weight, bias)


def _dropout(kind: str) -> Stacked:
    def stacked(run: Run, x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        return run.drop(kind, x, p) if training and p > 0 else x

    return stacked


ELEMENTWISE = (
    F.relu,
    F.relu6,
    F.leaky_relu,
    F.elu,
    F.celu,
    F.selu,
    F.gelu,
    F.silu,
    F.mish,
    F.logsigmoid,
    F.softplus,
    F.softsign,
    F.hardtanh,
    F.hardsigmoid,
    F.hardswish,
    F.tanhshrink,
    F.threshold,
    F.tanh,
    F.sigmoid,
    torch.relu,
    torch.tanh,
    torch.sigmoid,
    torch.selu,
    torch.celu,
    torch.exp,
    torch.sin,
    torch.cos,
    torch.sqrt,
    torch.abs,
    torch.square,
    torch.clamp,
    operator.neg,
)
METHODS = (
    "relu",
    "tanh",
    "sigmoid",
    "exp",
    "sin",
    "cos",
    "sqrt",
    "abs",
    "square",
    "clamp",
    "contiguous",
    "detach",
    "long",
    "float",
    "double",
    "clone",
    "neg",
)
POOLING = (
    F.max_pool1d,
    F.max_pool2d,
    F.avg_pool1d,
    F.avg_pool2d,
    F.adaptive_avg_pool1d,
    F.adaptive_avg_pool2d,
    torch.max_pool1d,
    torch.max_pool2d,
    torch.avg_pool1d,
    torch.adaptive_avg_pool1d,
)
BINARY = (
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.pow,
    operator.iadd,
    operator.imul,
    torch.add,
    torch.sub,
    torch.mul,
    torch.div,
)

FUNCTIONS: dict[Any, Stacked] = {
    **{fn: _as_it_is(fn) for fn in ELEMENTWISE},
    **{fn: _aligned(fn) for fn in BINARY},
    **{fn: _pooled(fn) for fn in POOLING},
    torch.flatten: _flatten,
    torch.reshape: _reshape,
    torch.cat: _joined(torch.cat),
    torch.stack: _joined(torch.stack),
    torch.transpose: _transpose,
    torch.permute: _permute,
    torch.unsqueeze: _on_axis("unsqueeze"),
    torch.squeeze: _on_axis("squeeze"),
    torch.chunk: _cut("chunk"),
    torch.split: _cut("split"),
    torch.matmul: _matmul,
    torch.bmm: _matmul,
    operator.matmul: _matmul,
    F.scaled_dot_product_attention: _attention,
    torch.mean: _over_axes(torch.mean),
    torch.sum: _over_axes(torch.sum),
    torch.amax: _over_axes(torch.amax),
    torch.softmax: _along(torch.softmax),
    torch.log_softmax: _along(torch.log_softmax),
    F.softmax: _along(torch.softmax),
    F.log_softmax: _along(torch.log_softmax),
    F.linear: _linear,
    getattr: _getattr,
    operator.getitem: _getitem,
    F.dropout: _dropout("dropout"),
    F.dropout1d: _dropout("feature"),
    F.dropout2d: _dropout("feature"),
    F.dropout3d: _dropout("feature"),
}
METHOD_FORMS: dict[str, Stacked] = {
    **{name: _method(name) for name in METHODS},
    **{name: _aligned(getattr(torch, name)) for name in ("add", "sub", "mul", "div")},
    "matmul": _matmul,
    "bmm": _matmul,
    "transpose": _transpose,
    "permute": _permute,
    "unsqueeze": _on_axis("unsqueeze"),
    "squeeze": _on_axis("squeeze"),
    "chunk": _cut("chunk"),
    "split": _cut("split"),
    "amax": _over_axes(torch.amax),
    "flatten": _flatten,
    "reshape": _reshape,
    "view": _reshape,
    "size": _size,
    "mean": _over_axes(torch.mean),
    "sum": _over_axes(torch.sum),
    "softmax": _along(torch.softmax),
    "log_softmax": _along(torch.log_softmax),
}
