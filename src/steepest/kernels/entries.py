"""Losses of one number per entry and one beside it, a target or a label in [0, 1], in one pass over them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.batch import Options, ignored, liveness
from steepest.core.reduce import Items

from .fused import FusedKernel, widened

MSE, L1, HUBER, SMOOTH_L1, QUANTILE, EXPECTILE = range(6)
"""The kinds of number_entries.cpp."""


class NumberKernel(FusedKernel):
    """Numbers (N, *), targets of the same shape and dtype."""

    source = "number_entries"

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
