"""What every metric asks of its tensors, with the repair where it is not so."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.accept import accept_nonnegative
from steepest.core.errors import DtypeError, LabelError, ShapeError


def dense_tensor(where: str, name: str, value: object) -> Tensor:
    """A dense tensor, cut from its graph."""
    if not isinstance(value, Tensor):
        raise DtypeError(
            where=where,
            seen=f"{name} is a {type(value).__name__}",
            needed="a torch.Tensor was needed",
            repair=f"torch.as_tensor({name}) makes one.",
        )
    if value.layout != torch.strided:
        raise DtypeError(
            where=where,
            seen=f"{name} has layout {value.layout}",
            needed="a dense tensor was needed",
            repair=f"{name}.to_dense() makes one.",
        )
    return value.detach()


def sample_weight(where: str, weight: object, samples: torch.Size) -> Tensor:
    """One weight per sample, (N,) or one row per model, in float64."""
    dense = dense_tensor(where, "weight", weight).to(torch.float64)
    if dense.shape not in (samples, samples[-1:]):
        raise ShapeError(
            where=where,
            seen=f"weight has shape {tuple(dense.shape)} and there are {samples[-1]} samples",
            needed="one weight per sample was needed",
            repair=f"A weight of shape ({samples[-1]},).",
        )
    return accept_nonnegative(where, "weight", dense)


def accept_labels(where: str, target: object) -> Tensor:
    """Class indices, one per sample, as int64."""
    labels = dense_tensor(where, "target", target)
    if labels.is_floating_point() or labels.is_complex():
        raise DtypeError(
            where=where,
            seen=f"target is {labels.dtype}",
            needed="class indices (integers) were needed",
            repair="target.long() converts.",
        )
    if labels.dim() == 0:
        raise ShapeError(
            where=where,
            seen="target is a single number",
            needed="(N,) was needed: one label per sample",
            repair="target.reshape(1)",
        )
    return labels.long()


def within(where: str, name: str, labels: Tensor, n_classes: int) -> None:
    """Every index in 0..C-1: a wrong one would be counted in a neighbour's cell."""
    if labels.numel() == 0:
        return
    low, high = labels.aminmax()
    if low >= 0 and high < n_classes:
        return
    outside = ((labels < 0) | (labels >= n_classes)).nonzero()
    place = outside[0].tolist()
    label = int(labels[tuple(place)])
    raise LabelError(
        where=where,
        seen=f"{name}{place} is {label} (first of {len(outside)}) and there are {n_classes} classes",
        needed=f"labels in 0..{n_classes - 1} were needed",
        repair="If labels start at 1: subtract 1."
        if label == n_classes
        else "To leave samples out give them weight 0.",
    )
