"""Losses of a softmax and a class index, or shares of all classes, in one pass over the logits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from steepest.core.batch import Options, ignored, liveness
from steepest.core.reduce import Items

from .fused import NONE, STEP_BACK, FusedKernel, Numbers

CROSS_ENTROPY, FOCAL, POLY, SMOOTHED = range(4)
"""The kinds of softmax_rows.cpp."""


class SoftmaxKernel(FusedKernel):
    """Logits (N, C, *), class indices (N, *)."""

    source = "softmax_rows"

    def fits(self, x: Tensor, y: Tensor) -> bool:
        return (
            y.dtype is torch.int64
            and x.dim() > 1
            and x.shape[1] > 1
            and y.dim() == x.dim() - 1
            and y.shape[0] == x.shape[0]
            and y.shape[1:] == x.shape[2:]
            and x.numel() > 0
        )

    def sizes(self, x: Tensor) -> tuple[int, int, int]:
        n, width = x.shape[:2]
        return n, width, 1 if x.dim() == 2 else x.numel() // (n * width)

    def smoothed(self, options: Options) -> tuple[int, Numbers]:
        """Class weights and smoothing together are left to the declared body."""
        if self.kind != CROSS_ENTROPY or options.class_weight is not None or isinstance(options.smoothing, Tensor):
            return STEP_BACK, NONE
        return SMOOTHED, (options.smoothing, 0.0, 0.0)

    def shares(self, x: Tensor, y: Tensor, options: Options) -> Items | None:
        live = liveness("loss", y.shape, options, ignored(y, options.ignore_index))
        weight = None if live.weight is None else live.weight.to(x.dtype)
        if options.class_weight is not None:
            vector = torch.as_tensor(options.class_weight, dtype=x.dtype)
            if vector.shape != (x.shape[1],) or not bool((vector >= 0).all()):
                return None
            labels = y if live.alive is None else torch.where(live.alive, y, 0)
            if not 0 <= int(labels.min()) <= int(labels.max()) < x.shape[1]:
                return None
            weight = vector[labels] if weight is None else weight * vector[labels]
        shares = x.new_ones(y.shape) if weight is None else weight.expand(y.shape)
        if live.alive is not None:
            shares = torch.where(live.alive, shares, 0.0)
        return Items(shares.contiguous(), weight, live.present)


class SharesKernel(FusedKernel):
    """Logits (N, C), shares of the classes (N, C): cross-entropy, without class weights."""

    source = "soft_rows"

    def target(self, x: Any, y: Any) -> Any:
        return y.to(x.dtype) if type(x) is Tensor or type(x) is Parameter else y

    def fits(self, x: Tensor, y: Tensor) -> bool:
        return y.dtype is x.dtype and x.dim() == 2 and y.shape == x.shape and x.shape[1] > 1

    def sizes(self, x: Tensor) -> tuple[int, int, int]:
        return x.shape[0], x.shape[1], 1

    def items(self, x: Tensor, y: Tensor) -> torch.Size:
        return x.shape[:1]

    def shares(self, x: Tensor, y: Tensor, options: Options) -> Items | None:
        if options.class_weight is not None or options.ignore_index is not None:
            return None
        live = liveness("loss", x.shape[:1], options, None)
        weight = None if live.weight is None else live.weight.to(x.dtype)
        shares = x.new_ones(x.shape[:1]) if weight is None else weight.expand(x.shape[:1])
        if live.alive is not None:
            shares = torch.where(live.alive, shares, 0.0)
        return Items(shares.contiguous(), weight, live.present)


class CrossEntropyKernel(SoftmaxKernel):
    """Class indices, or shares of all classes."""

    def __init__(self) -> None:
        super().__init__(CROSS_ENTROPY)
        self._of_shares = SharesKernel(CROSS_ENTROPY)

    def __call__(self, input: Tensor, target: Tensor | None, *rest: Any) -> Tensor | None:
        if isinstance(target, Tensor) and target.is_floating_point():
            return self._of_shares(input, target, *rest)
        return super().__call__(input, target, *rest)

    def slope(self, input: Tensor, target: Tensor | None, *rest: Any) -> tuple[Tensor, Tensor] | None:
        if isinstance(target, Tensor) and target.is_floating_point():
            return self._of_shares.slope(input, target, *rest)
        return super().slope(input, target, *rest)
