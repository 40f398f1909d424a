"""Means over samples of a number that each has: the additive state of log loss, Brier score and the like."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from steepest.core.rows import Rows
from steepest.core.tally import Tally


def sample_means(accept: Callable[..., Rows], reads: str, cost: Callable[[Rows], Tensor]) -> Tally:
    """A tally of [sum of w * cost, sum of w] (..., *, 2); cost: Rows -> (*lead, N, *)."""

    def count(rows: Rows) -> Tensor:
        values = cost(rows)
        weight = torch.ones((), dtype=torch.float64, device=values.device)
        if rows.weight is not None:
            weight = rows.weight.reshape(*rows.weight.shape, *(1,) * (values.dim() - rows.n_lead - 1))
            values = torch.where(weight != 0, values, 0.0)
        shape = torch.broadcast_shapes(values.shape, weight.shape)
        return torch.stack([t.expand(shape).sum(rows.n_lead) for t in (weight * values, weight)], -1)

    return Tally(accept, count, reads=reads)


def mean(state: Tensor) -> Tensor:
    return state[..., 0] / state[..., 1]
