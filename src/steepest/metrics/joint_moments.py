"""The sums of predictions, targets and their products: the additive state of every correlation."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.rows import Rows
from steepest.core.tally import Tally

from .moments import joint_spread, pair, parts_of_product, parts_of_weight
from .numbers import number_rows, weights_of

# The last axis of a state: sums of w, w*x, w*x**2, w*y, w*y**2, w*x*y, in three parts each, see exact.py.
WEIGHT, X, XX, Y, YY, XY = (slice(i, i + 3) for i in range(0, 18, 3))


def _count(rows: Rows) -> Tensor:
    """Sums (..., T, 18) in float64 for T target columns."""
    weight, x, y = weights_of(rows), rows.prediction, rows.target
    sum_x, sum_xx = parts_of_product(x, x, weight)
    sum_y, sum_yy = parts_of_product(y, y, weight)
    sum_xy = parts_of_product(x, y, weight)[1]
    like = (x * weight).sum(-2)
    columns = [*parts_of_weight(weight, like), *sum_x, *sum_xx, *sum_y, *sum_yy, *sum_xy]
    return torch.stack([c.expand(like.shape) for c in columns], -1)


joint_moments = Tally(number_rows, _count, reads="numbers")


def spreads(state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sums of w * (x - mean)**2, w * (y - mean)**2 and of the product of both, (..., T)."""
    x = joint_spread(state, WEIGHT, X, X, XX, is_square=True)
    y = joint_spread(state, WEIGHT, Y, Y, YY, is_square=True)
    return x, y, joint_spread(state, WEIGHT, X, Y, XY)


def total(state: Tensor) -> Tensor:
    return pair(state[..., WEIGHT])[0]


def distance(state: Tensor) -> Tensor:
    """The difference of the means, (..., T)."""
    x, y = pair(state[..., X]), pair(state[..., Y])
    return ((x[0] - y[0]) + (x[1] - y[1])) / total(state)
