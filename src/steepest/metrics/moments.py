"""The sums of K models in one pass: the additive state of every metric of errors of numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.errors import DtypeError, ShapeError
from steepest.core.shapes import mismatch

from .accept import dense_tensor, sample_weight
from .exact import Pair, add, from_parts, times, to_parts, two_product

WHERE = "regression metric"

# What the last axis of a state holds. The sums of w, w*y and w*y**2 are kept in three parts each, see exact.py.
N_SAMPLES, ABSOLUTE, SQUARED = range(3)
WEIGHT, TARGET, TARGET_SQUARED = slice(3, 6), slice(6, 9), slice(9, 12)


def moments(
    prediction: Tensor, target: Tensor, weight: Tensor | None = None, *, n_outputs: int | None = None,
) -> Tensor:
    """Sums (..., T, 12) in float64 for T target columns, additive over any cut of the data.

    prediction (N,), (K, N) for K models, or (K, N, T); target (N,) or (N, T), or with one block per model (K, N) or
    (K, N, T). With n_outputs=T the last axis is always the columns: (N, T) is one model with T target columns, not N
    models. weight (N,) or (K, N); samples of weight 0 are not read. A NaN makes the sums NaN.
    """
    prediction, target = _accept("prediction", prediction), _accept("target", target)
    prediction, target = _with_columns(prediction, target, n_outputs)
    target = target.to(prediction.device)
    if weight is not None:
        weight = sample_weight(WHERE, weight, prediction.shape[:-1]).to(prediction.device).unsqueeze(-1)
    error = _where_alive(prediction - target, weight)
    ones = torch.ones((), dtype=torch.float64, device=error.device) if weight is None else weight
    n_alive = (ones != 0).double().expand(error.shape).sum(-2)
    columns = [n_alive, (ones * error.abs()).sum(-2), (ones * error * error).sum(-2)]
    columns += _target_parts(_where_alive(target, weight), ones)
    return torch.stack([c.expand(columns[0].shape) for c in columns], -1)


def _target_parts(target: Tensor, weight: Tensor) -> list[Tensor]:
    """The parts of the sums of w, w*y and w*y**2, by way of the batch's own mean: nothing cancels inside a batch."""
    weight = weight.expand(torch.broadcast_shapes(weight.shape, target.shape))
    total = weight.sum(-2)
    mean = (weight * target).sum(-2) / torch.where(total == 0, 1.0, total)
    distance = target - mean.unsqueeze(-2)
    first, second = (weight * distance).sum(-2), (weight * distance * distance).sum(-2)
    zero = torch.zeros_like(total)
    sum_1 = add(two_product(mean, total), (first, zero))
    sum_2 = add(times(total, two_product(mean, mean)), two_product(2 * mean, first), (second, zero))
    return [*to_parts((total, zero)), *to_parts(sum_1), *to_parts(sum_2)]


def mean_of(state: Tensor, column: int) -> Tensor:
    """A sum divided by the sum of weights, (..., T) averaged over the columns."""
    return (state[..., column] / _pair(state[..., WEIGHT])[0]).mean(-1)


def spread(state: Tensor) -> Tensor:
    """Sum of w * (y - mean)**2, (..., T); exactly 0 for targets that are equal but for rounding."""
    total, sum_1, sum_2 = (_pair(state[..., part]) for part in (WEIGHT, TARGET, TARGET_SQUARED))
    divisor = torch.where(total[0] == 0, 1.0, total[0])
    centre = sum_1[0] / divisor
    first = add(sum_1, times(-centre, total))[0]
    second = add(sum_2, times(-2 * centre, sum_1), times(centre, times(centre, total)))[0]
    around_mean = second - first * first / divisor
    # 2**-90 of the sum of squares: 106 bits resolve little below it, and a spread of 3e-14 of the size is rounding
    return torch.where(around_mean <= 2.0**-90 * sum_2[0], 0.0, around_mean)


def _pair(parts: Tensor) -> Pair:
    return from_parts(parts[..., 0], parts[..., 1], parts[..., 2])


# -- what is accepted --------------------------------------------------------------------------------------------------


def _accept(name: str, value: object) -> Tensor:
    numbers = dense_tensor(WHERE, name, value)
    if numbers.is_complex() or numbers.dtype == torch.bool:
        raise DtypeError(
            where=WHERE, seen=f"{name} is {numbers.dtype}", needed="numbers were needed",
            repair=f"{name}.abs() or {name}.real for complex numbers." if numbers.is_complex()
            else f"For classes take accuracy; as numbers: {name}.double().",
        )
    return numbers.double()


def _with_columns(prediction: Tensor, target: Tensor, n_outputs: int | None) -> tuple[Tensor, Tensor]:
    """prediction (..., N, T) and target (N, T) or with the same lead."""
    has_columns = prediction.dim() > 2 if n_outputs is None else True
    own, shared = prediction.shape, prediction.shape[-2:] if has_columns else prediction.shape[-1:]
    fits = target.shape in (own, shared) and prediction.dim() >= (2 if has_columns else 1)
    if not fits or n_outputs not in (None, own[-1]):
        raise _misfit(prediction, target, shared, n_outputs)
    return (prediction, target) if has_columns else (prediction.unsqueeze(-1), target.unsqueeze(-1))


def _misfit(prediction: Tensor, target: Tensor, shared: torch.Size, n_outputs: int | None) -> ShapeError:
    if prediction.numel() == target.numel() and prediction.shape != target.shape:
        return mismatch(WHERE, prediction.shape, target.shape)
    said = "" if n_outputs is None else f" with n_outputs={n_outputs}"
    repair = f"A target of shape {tuple(shared)} for all models, or {tuple(prediction.shape)} with a block per model."
    if n_outputs is None and prediction.dim() == 2 and target.dim() == 2 and target.shape[0] == prediction.shape[0]:
        repair = "Does the model give as many outputs per sample as the target has values?"
    if prediction.dim() == 3 and prediction.shape[-1] == 1 and target.shape == prediction.shape[-2:-1]:
        repair = "Did you mean prediction.squeeze(-1)?"
    return ShapeError(
        where=WHERE, seen=f"prediction has shape {tuple(prediction.shape)} and target {tuple(target.shape)}{said}",
        needed="a number per target value, of one model or of K, was needed", repair=repair,
    )


def _where_alive(values: Tensor, weight: Tensor | None) -> Tensor:
    return values if weight is None else torch.where(weight != 0, values, 0.0)
