"""Class counts: how many training samples each class has, checked before weights are made of them."""

from __future__ import annotations

import torch
from torch import Tensor

from .accept import can_read_values
from .errors import DomainError, ShapeError


def accept_counts(where: str, counts: Tensor) -> Tensor:
    """Counts (*, C) in float64: one number >= 0 per class, at least one above 0 in each row."""
    if counts.dim() == 0 or counts.shape[-1] < 2:
        raise ShapeError(
            where=where,
            seen=f"counts has shape {tuple(counts.shape)}",
            needed="one count per class was needed: (C,), at least two classes",
            repair="torch.bincount(y, minlength=C) counts class indices.",
        )
    n = counts.to(torch.float64)
    if can_read_values(n):
        _refuse(where, n)
    return n


def _refuse(where: str, n: Tensor) -> None:
    bad = ~(n >= 0) | n.isinf()
    if bool(bad.any()):
        place = bad.nonzero()[0].tolist()
        raise DomainError(
            where=where,
            seen=f"counts{place} is {n[tuple(place)].item():g}",
            needed="numbers of samples, 0 or more, were needed",
            repair="Did you pass the labels? torch.bincount(y, minlength=C) counts them.",
        )
    if not bool((n.sum(-1) > 0).all()):
        raise DomainError(
            where=where,
            seen="every count is 0",
            needed="at least one sample was needed",
            repair="Count the labels of the training part: torch.bincount(y, minlength=C).",
        )
