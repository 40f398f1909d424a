"""Numbers kept row by row, for what depends on their order: medians, ranks, the largest error."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.tally import Tally

from .calibration import ties
from .numbers import number_rows

kept_numbers = Tally(number_rows, reads="numbers")


def weighted_median(values: Tensor, weight: Tensor | None) -> Tensor:
    """Of (..., N, T) along the samples, (..., T): where half of the weight lies on either side, the middle of the two.

    Source: Hyndman & Fan 1996, Sample quantiles in statistical packages, definition 2
    """
    if not values.shape[-2]:
        return torch.full((*values.shape[:-2], values.shape[-1]), torch.nan, dtype=values.dtype, device=values.device)
    mass = torch.ones((), dtype=torch.float64, device=values.device) if weight is None else weight.unsqueeze(-1)
    ordered, order = values.sort(-2)
    shape = torch.broadcast_shapes(values.shape, mass.shape)
    ordered = ordered.expand(shape)
    ends = mass.expand(shape).gather(-2, order.expand(shape)).cumsum(-2)
    half = ends[..., -1:, :] / 2
    # what is above half by rounding alone is half: the sum of weights has an error of some 1e-16 of itself
    near = half * 1e-14
    low, high = (
        ordered.gather(-2, passed.double().argmax(-2, keepdim=True))
        for passed in (ends >= half - near, ends > half + near)
    )
    value = ((low + high) / 2).squeeze(-2)
    is_known = (ends[..., -1, :] > 0) & ~ordered.isnan().any(-2)
    return torch.where(is_known, value, torch.nan)


def mid_ranks(values: Tensor, weight: Tensor | None) -> Tensor:
    """(..., T, N): the weight below each of (..., N, T) and half of that of its equals."""
    ordered, order = values.movedim(-1, -2).sort(-1)
    mass = torch.ones((), dtype=torch.float64, device=values.device) if weight is None else weight.unsqueeze(-2)
    shape = torch.broadcast_shapes(ordered.shape, mass.shape)
    order = order.expand(shape)
    ends = torch.nn.functional.pad(mass.expand(shape).gather(-1, order).cumsum(-1), (1, 0))
    first, last = (place.expand(shape) for place in ties(ordered))
    middle = (ends.gather(-1, first) + ends.gather(-1, last + 1)) / 2
    ranks = torch.zeros_like(middle).scatter_(-1, order, middle)
    return torch.where(values.movedim(-1, -2).isnan(), torch.nan, ranks)
