"""Losses of a row's softmax and a class index in one pass over the logits."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.batch import Options, ignored, liveness
from steepest.core.reduce import Items

from .fused import FusedKernel


class SoftmaxKernel(FusedKernel):
    """Logits (N, C), class indices (N,)."""

    source = "softmax_rows"

    def fits(self, x: Tensor, y: Tensor) -> bool:
        return y.dtype is torch.int64 and x.dim() == 2 and y.dim() == 1 and y.shape[0] == x.shape[0] and x.shape[1] > 1

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
