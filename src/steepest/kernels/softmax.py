"""Losses of a softmax and a class index in one pass over the logits."""

from __future__ import annotations

import torch
from torch import Tensor

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
