"""Losses whose cost depends on which class is the true one, beyond reading one entry of a row of costs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .targets import Classes


def expect_each(target: Classes, scores: Tensor, cost: Callable[[Tensor], Tensor]) -> Tensor:
    """The expected cost (N, *); cost(index) is what each item costs if its true class is index (N, *).

    Hard labels ask once. Soft and smoothed ones ask for every class: C times the work, and no (N, C, C) in one piece.
    """
    is_plain = not isinstance(target.smoothing, Tensor) and target.smoothing == 0.0
    if target.index is not None and is_plain:
        factor = target.factor()
        values = cost(target.index)
        return values if factor is None else values * factor
    items = scores.shape[:1] + scores.shape[2:]
    every = range(scores.shape[1])
    return target.expect(torch.stack([cost(torch.full(items, c, device=scores.device)) for c in every], 1))
