"""What every metric asks of its tensors, with the repair where it is not so."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.accept import accept_nonnegative
from steepest.core.errors import DtypeError, ShapeError


def dense_tensor(where: str, name: str, value: object) -> Tensor:
    """A dense tensor, cut from its graph."""
    if not isinstance(value, Tensor):
        raise DtypeError(
            where=where, seen=f"{name} is a {type(value).__name__}", needed="a torch.Tensor was needed",
            repair=f"torch.as_tensor({name}) makes one.",
        )
    if value.layout != torch.strided:
        raise DtypeError(
            where=where, seen=f"{name} has layout {value.layout}", needed="a dense tensor was needed",
            repair=f"{name}.to_dense() makes one.",
        )
    return value.detach()


def sample_weight(where: str, weight: object, samples: torch.Size) -> Tensor:
    """One weight per sample, (N,) or one row per model, in float64."""
    dense = dense_tensor(where, "weight", weight).to(torch.float64)
    if dense.shape not in (samples, samples[-1:]):
        raise ShapeError(
            where=where, seen=f"weight has shape {tuple(dense.shape)} and there are {samples[-1]} samples",
            needed="one weight per sample was needed", repair=f"A weight of shape ({samples[-1]},).",
        )
    return accept_nonnegative(where, "weight", dense)
