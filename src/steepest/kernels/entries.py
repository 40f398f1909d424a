"""Losses of one number per entry and one beside it, a target or a label in [0, 1], in one pass over them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from steepest.core.batch import Options, ignored, liveness
from steepest.core.reduce import Items

from .fused import NONE, FusedKernel, Numbers, widened

MSE, L1, HUBER, SMOOTH_L1, QUANTILE, EXPECTILE = range(6)
"""The kinds of number_entries.cpp."""


SMALL = 4096
"""Entries, up to which one call of torch is faster than a node of the graph that Python serves: 15 us a step."""
OneCall = Callable[[Tensor, Tensor, dict[str, Any], str], Tensor]


def torch_call(name: str, *numbers: str) -> OneCall | None:
    """torch's operator behind torch.nn.functional, whose checks cost 10 us again; None where this torch has it no more."""
    operator = getattr(torch._C._nn, name, None)
    if operator is None:
        return None

    def one_call(x: Tensor, y: Tensor, hyper: dict[str, Any], reduction: str) -> Tensor:
        found: Tensor = operator(x, y, 1 if reduction == "mean" else 2, *[float(hyper[n]) for n in numbers])
        return found

    return one_call


class NumberKernel(FusedKernel):
    """Numbers (N, *), targets of the same shape and dtype. one_call: torch's own function of the same values."""

    source = "number_entries"

    def __init__(
        self,
        kind: int,
        numbers: Callable[[dict[str, Any]], Numbers] = lambda hyper: NONE,
        one_call: OneCall | None = None,
    ) -> None:
        super().__init__(kind, numbers)
        self.one_call = one_call

    def __call__(self, input: Tensor, target: Tensor | None, *call: Any) -> Tensor | None:
        if self.one_call is not None and self._is_small_and_plain(input, target, *call):
            return self.one_call(input, target, call[1], call[2])  # type: ignore[arg-type]
        return super().__call__(input, target, *call)

    def _is_small_and_plain(
        self, x: Any, y: Any, options: Any, hyper: Any, reduction: str, normalize: str, denominator: Any, _: Any
    ) -> bool:
        return (
            options is None
            and denominator is None
            and type(x) is Tensor
            and type(y) is Tensor
            and y.dtype is x.dtype
            and (x.dtype is torch.float32 or x.dtype is torch.float64)
            and 0 < x.numel() <= SMALL
            and x.shape == y.shape
            and x.is_cpu
            and y.is_cpu
            and (reduction == "sum" or reduction == "mean" and normalize != "batch")
            and x.dim() > 0
            and x.is_contiguous()
            and torch._C._functorch.peek_interpreter_stack() is None
            and not any(isinstance(value, Tensor) for value in hyper.values())
        )

    def target(self, x: Any, y: Any) -> Any:
        return widened(y)

    def fits(self, x: Tensor, y: Tensor) -> bool:
        return y.dtype is x.dtype and y.shape == x.shape and x.dim() > 0 and x.numel() > 0

    def shares(self, x: Tensor, y: Tensor, options: Options) -> Items | None:
        if options.class_weight is not None:
            return None
        weight = options.weight
        if weight is not None and options.mask is None and options.ignore_index is None:
            if weight.shape == x.shape and weight.dtype is x.dtype and weight.is_contiguous():
                return Items(weight, weight, None)  # the compiled function looks at each for itself
        live = liveness("loss", x.shape, options, ignored(y, options.ignore_index))
        weight = None if live.weight is None else live.weight.to(x.dtype)
        shares = x.new_ones(x.shape) if weight is None else weight.expand(x.shape)
        if live.alive is not None:
            shares = torch.where(live.alive, shares, 0.0)
        return Items(shares.contiguous(), weight, live.present)


class LabelKernel(NumberKernel):
    """Logits (N, *), labels of the same shape and dtype."""

    source = "label_entries"

    def target(self, x: Any, y: Any) -> Any:
        is_whole = type(x) is Tensor and type(y) is Tensor and not y.is_floating_point() and not y.is_complex()
        return y.to(x.dtype) if is_whole else widened(y)
