"""The sums of K models in one pass: the additive state of every metric of errors of numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.rows import Rows
from steepest.core.tally import Tally

from .exact import Pair, add, from_parts, times, to_parts, two_product
from .numbers import number_rows, weights_of

# What the last axis of a state holds. Sums whose differences matter are kept in three parts each, see exact.py:
# those of w, of w*y and w*y**2 for the target, and of w*e and w*e**2 for the error e = prediction - target.
N_SAMPLES, ABSOLUTE, SQUARED = range(3)
WEIGHT, TARGET, TARGET_SQUARED, ERROR, ERROR_SQUARED = (slice(i, i + 3) for i in range(3, 18, 3))


def _count(rows: Rows) -> Tensor:
    """Sums (..., T, 18) in float64 for T target columns."""
    weight, target = weights_of(rows), rows.target
    error = rows.prediction - target
    shape = torch.broadcast_shapes(error.shape, weight.shape)
    n_alive = (weight != 0).double().expand(shape).sum(-2)
    columns = [n_alive, (weight * error.abs()).sum(-2), (weight * error * error).sum(-2)]
    columns += [
        *parts_of_weight(weight, n_alive),
        *parts_around_mean(target, weight),
        *parts_around_mean(error, weight),
    ]
    return torch.stack([c.expand(n_alive.shape) for c in columns], -1)


moments = Tally(number_rows, _count, reads="numbers")


def parts_of_weight(weight: Tensor, like: Tensor) -> list[Tensor]:
    total = weight.sum(-2).expand(like.shape)
    return list(to_parts((total, torch.zeros_like(total))))


def parts_around_mean(values: Tensor, weight: Tensor) -> list[Tensor]:
    """The parts of the sums of w*v and w*v**2, by way of the batch's own mean: nothing cancels inside a batch."""
    return [*parts_of_product(values, None, weight)[0], *parts_of_product(values, values, weight)[1]]


def parts_of_product(values: Tensor, others: Tensor | None, weight: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """The parts of the sum of w*v, and of that of w*v*u where others u are given."""
    total, zero, mean, distance, first = _around_mean(values, weight)
    sum_1 = add(two_product(mean, total), (first, zero))
    if others is None:
        return list(to_parts(sum_1)), []
    _, _, other_mean, other_distance, other_first = _around_mean(others, weight)
    product = (weight * distance * other_distance).sum(-2)
    sum_2 = add(
        times(total, two_product(mean, other_mean)),
        two_product(mean, other_first),
        two_product(other_mean, first),
        (product, zero),
    )
    return list(to_parts(sum_1)), list(to_parts(sum_2))


def _around_mean(values: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    weight = weight.expand(torch.broadcast_shapes(weight.shape, values.shape))
    total = weight.sum(-2)
    mean = (weight * values).sum(-2) / torch.where(total == 0, 1.0, total)
    distance = values - mean.unsqueeze(-2)
    return total, torch.zeros_like(total), mean, distance, (weight * distance).sum(-2)


def mean_of(state: Tensor, column: int) -> Tensor:
    """A sum divided by the sum of weights, (..., T)."""
    return state[..., column] / pair(state[..., WEIGHT])[0]


def spread(state: Tensor, first: slice = TARGET, second: slice = TARGET_SQUARED) -> Tensor:
    """Sum of w * (v - mean)**2, (..., T); exactly 0 for values that are equal but for rounding."""
    return joint_spread(state, WEIGHT, first, first, second, is_square=True)


def joint_spread(
    state: Tensor, weight: slice, first: slice, other: slice, product: slice, is_square: bool = False
) -> Tensor:
    """Sum of w * (v - mean of v) * (u - mean of u), (..., T), from the sums of w, w*v, w*u and w*v*u."""
    total, sum_v, sum_u, sum_vu = (pair(state[..., part]) for part in (weight, first, other, product))
    divisor = torch.where(total[0] == 0, 1.0, total[0])
    v, u = sum_v[0] / divisor, sum_u[0] / divisor
    rest_v, rest_u = add(sum_v, times(-v, total))[0], add(sum_u, times(-u, total))[0]
    around = add(sum_vu, times(-v, sum_u), times(-u, sum_v), times(v, times(u, total)))[0] - rest_v * rest_u / divisor
    if not is_square:
        return around
    # 2**-90 of the sum of squares: 106 bits resolve little below it, and a spread of 3e-14 of the size is rounding
    return torch.where(around <= 2.0**-90 * sum_vu[0], 0.0, around)


def pair(parts: Tensor) -> Pair:
    return from_parts(parts[..., 0], parts[..., 1], parts[..., 2])
