"""Adafactor: Adam's idea without its memory: of a matrix's mean squares it keeps one row and one column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient
from steepest.core.declare import rule
from steepest.core.domains import AtLeastOne, Interval, Linear, Log, NonNegative
from steepest.core.per_trial import larger, smaller

from ..wholes import norm

Shape = tuple[int, ...]
Falling = Annotated[float | Tensor, Interval(high=0.0)]


def _rows(shape: torch.Size, settings: Mapping[str, Any]) -> Shape | None:
    return (*shape[:-1], 1) if len(shape) > 1 else None


def _columns(shape: torch.Size, settings: Mapping[str, Any]) -> Shape | None:
    return (*shape[:-2], 1, shape[-1]) if len(shape) > 1 else None


def _unfactored(shape: torch.Size, settings: Mapping[str, Any]) -> Shape | None:
    return None if len(shape) > 1 else shape


@rule(
    formula="max(eps2, rms(w)) * min(lr, 1 / sqrt(t)) * u / max(1, rms(u) / d), u = g / sqrt(row * column / mean(row))",
    decay="decoupled",
    looks_at="matrix",
    equals="torch.optim.Adafactor",
    claims=[rests_at_zero_gradient],
    search={"lr": Log(1e-4, 1e-1), "beta2_decay": Linear(-0.9, -0.5)},
    state_shapes={"row_var": _rows, "col_var": _columns, "variance": _unfactored},
    static=["eps1"],
    packs={"eps": ("eps1", "eps2")},
    use="Models whose optimizer state does not fit: for a matrix of m x n it remembers m + n numbers.",
    avoid="Where memory is no matter: adamw is as good or better, and momentum is missing here.",
    differs={
        "Shazeer & Stern 2018": "squares the gradient plus eps1 there; torch and we bound the mean squares below by it",
        "optax.adafactor": "factors only axes of 128 and more; the learning rate is a schedule; momentum on request",
        "transformers.Adafactor": "relative steps by default, which need no learning rate",
    },
    evidence=(
        "On language models of 150M to 1.2B parameters as good as Adam, Lion and Signum at their best learning rates "
        "(Zhao et al. 2024, arXiv:2407.07972); there with momentum."
    ),
    source="Shazeer & Stern 2018, arXiv:1804.04235, in the form of torch.optim.Adafactor; search ranges: ours",
)
def adafactor(
    grad: Tensor,
    row_var: Tensor | None,
    col_var: Tensor | None,
    variance: Tensor | None,
    param: Tensor,
    *,
    t: Any,
    lr: NonNegative = 1e-2,
    beta2_decay: Falling = -0.8,
    eps1: NonNegative | None = None,
    eps2: NonNegative = 1e-3,
    d: AtLeastOne = 1.0,
) -> tuple[Tensor | None, ...]:
    """lr is relative to the size of the tensor. eps1: the least root of a mean square, the dtype's precision if None.

    Of a convolution the last two axes are factored, as in torch.
    """
    least = torch.finfo(grad.dtype).eps if eps1 is None else eps1
    fresh = t**beta2_decay
    if row_var is not None and col_var is not None:
        square = grad.square()
        row_var = torch.lerp(row_var, square.mean(-1, keepdim=True), fresh)
        col_var = torch.lerp(col_var, square.mean(-2, keepdim=True), fresh)
        # Not the product first, which overflows for gradients of 1e10 in float32.
        squares = row_var / row_var.mean(-2, keepdim=True).clamp(min=least) @ col_var
    else:
        assert variance is not None
        squares = variance = torch.lerp(variance, grad.square(), fresh)
    update = grad * squares.clamp(min=least**2).rsqrt()
    width = (grad[0].numel()) ** 0.5
    rate = larger(norm(param) / width, eps2) * smaller(lr, 1 / t**0.5)
    return rate / larger(norm(update) / (width * d), 1.0) * update, row_var, col_var, variance
