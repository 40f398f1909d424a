"""Logarithms of probabilities, straight from logits, without the cancellation that hides a confident prediction.

-log p of a class with p near 1 is about 1 - p: torch's log_softmax gives 0 in float32 once 1 - p < 6e-8, and softplus gives x
instead of x + exp(-x) above 20, which is wrong by 5e5 units in the last place of a float64.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .digits import number
from .errors import ShapeError


def surprise(logits: Tensor) -> Tensor:
    """-log softmax along dim 1: (N, C, *) -> (N, C, *), never below 0; value and gradient of full relative accuracy near 0.

    The greatest logit is left out of the sum and comes back as the 1 of log1p, so nothing is subtracted from a rounded 1;
    and left out of the differences, so that its gradient is a sum of the others' alone.
    """
    top, at = logits.max(1, keepdim=True)
    below = (logits - top).scatter(1, at, 0.0)
    others = below.exp().scatter(1, at, 0.0).sum(1, keepdim=True)
    return others.log1p() - below


def shortfall(nats: Tensor) -> Tensor:
    """1 - p of nats = -log p; value and gradient of full relative accuracy near p = 1 and near p = 0."""
    # expm1's own gradient is expm1 + 1, which is 0 in float32 once p < 6e-8; that of exp is not.
    return torch.where(nats < 1.0, -torch.expm1(-nats.clamp(max=1.0)), 1 - (-nats).exp())


def missing(nats: Tensor) -> Tensor:
    """shortfall, but never exactly 0, so that a power of it has a gradient: that of 0**0.5 is infinite."""
    return shortfall(nats.clamp(min=torch.finfo(nats.dtype).tiny))


def beside(where: str, name: str, value: Any, logits: Tensor, n_axes: int = 1) -> Tensor:
    """A number per class (C,), or a table of them (C, C), as a tensor like the logits; a wrong size is refused."""
    found = number(value, logits)
    if found.shape != (logits.shape[1],) * n_axes:
        raise ShapeError(
            where=where,
            seen=f"{name} has shape {tuple(found.shape)} and the input {logits.shape[1]} classes on axis 1",
            needed="one number per class was needed" if n_axes == 1 else "one row and one column per class was needed",
            repair="Are classes without any sample missing in it? Count them as 1.",
        )
    return found


def along_classes(vector: Tensor, logits: Tensor) -> Tensor:
    """(C,) -> (C, 1, ...), to stand beside logits (N, C, *)."""
    return vector.reshape(-1, *[1] * (logits.dim() - 2))


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)) = -log sigmoid(-x), of full relative accuracy for every x."""
    # threshold 50, not torch's 20: exp(-50) is below half a unit in the last place of 50 in float64, exp(50) fits float32.
    return torch.nn.functional.softplus(x, 1.0, 50.0)
