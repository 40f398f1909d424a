"""BatchNorm of images in training, on a processor: of one model, or of K at once where they lie (norms.cpp)."""

from __future__ import annotations

import math
from ctypes import CDLL, c_double, c_int64
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .compiled import library
from .plain import are_plain, at

FEWEST_PIXELS = 32
"""Of a plane: of smaller ones torch is as fast. Of 64 x 8 x 8 x 16 ours takes 0.8 of its time, of 64 x 26 x 26 x 12 a third."""


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor | None:
    """input (N, C, *), the others (C); None where torch is to answer. Running means and variances change in place."""
    if not training:
        return None
    return _norm(input, [running_mean, running_var], weight, bias, momentum, eps, models=())


def batch_norm_of_models(
    input: Tensor, running: list[Tensor | None], weight: Tensor | None, bias: Tensor | None, momentum: float, eps: float
) -> Tensor | None:
    """The same of input (K, N, C, *) and others (K, C), each model by itself, in training."""
    return _norm(input, running, weight, bias, momentum, eps, models=tuple(input.shape[:1]))


def _norm(
    input: Tensor,
    running: list[Tensor | None],
    weight: Tensor | None,
    bias: Tensor | None,
    momentum: float,
    eps: float,
    models: tuple[int, ...],
) -> Tensor | None:
    others, own = [t for t in (*running, weight, bias) if t is not None], input.shape[len(models) :]
    if len(own) < 3 or not are_plain([input, *others]) or not input.is_contiguous() or not input.numel():
        return None
    count = own[0] * math.prod(own[2:])
    if (
        math.prod(own[2:]) < FEWEST_PIXELS
        or eps <= 0
        or any(t.shape != (*models, own[1]) for t in others)
        or _functions() is None
    ):
        return None
    y, mean, variance = _Norm.apply(input, weight, bias, eps, models)
    with torch.no_grad():
        for kept, now in zip(running, (mean, variance * (count / (count - 1)))):
            if kept is not None:
                kept.lerp_(now, momentum)
    return y


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, models: tuple[int, ...]
    ) -> tuple[Tensor, Tensor, Tensor]:
        own, y = x.shape[len(models) :], torch.empty_like(x)
        mean, variance = (x.new_empty(*models, own[1]) for _ in range(2))
        factors, shifts = (None if t is None else t.contiguous() for t in (weight, bias))
        ctx.sizes = (c_int64 * 4)(*(models or [1]), *own[:2], math.prod(own[2:]))
        _functions().norm(ctx.sizes, c_double(eps), *map(at, (x, factors, shifts, y, mean, variance)))  # type: ignore[union-attr]
        ctx.save_for_backward(x, weight, bias, mean, variance)
        ctx.eps, ctx.models = eps, models
        ctx.mark_non_differentiable(mean, variance)
        return y, mean, variance

    @staticmethod
    def backward(ctx: Any, dy: Tensor, *_: Any) -> Any:
        x, weight, bias, mean, variance = ctx.saved_tensors
        wanted = ctx.needs_input_grad[:3]
        if torch.is_grad_enabled():  # to be differentiated again
            return *_slopes_by_torch(dy, (x, weight, bias), wanted, ctx.eps, bool(ctx.models)), None, None
        dy, dx = dy.contiguous(), torch.empty_like(x) if wanted[0] else None
        dweight, dbias = torch.empty_like(mean), torch.empty_like(mean)
        factors = None if weight is None else weight.contiguous()
        _functions().norm_slopes(  # type: ignore[union-attr]
            ctx.sizes, c_double(ctx.eps), *map(at, (x, factors, mean, variance, dy, dx, dweight, dbias))
        )
        return dx, dweight if wanted[1] else None, dbias if wanted[2] else None, None, None


def _slopes_by_torch(
    dy: Tensor, given: tuple[Tensor | None, ...], wanted: tuple[bool, ...], eps: float, has_models: bool
) -> list[Tensor | None]:
    """Those of x, weight and bias, by operations that can be differentiated."""

    def one(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        return F.batch_norm(x, None, None, weight, bias, True, 0.0, eps)

    if has_models:
        y = torch.stack([one(*(None if t is None else t[k] for t in given)) for k in range(len(dy))])  # type: ignore[arg-type]
    else:
        y = one(*given)  # type: ignore[arg-type]
    asked = [t for t, is_wanted in zip(given, wanted) if is_wanted and t is not None]
    found = iter(torch.autograd.grad(y, asked, dy, create_graph=True))
    return [next(found) if is_wanted else None for is_wanted in wanted]


def _functions() -> CDLL | None:
    return library("norms", "float")
