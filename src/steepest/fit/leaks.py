"""What the rows themselves give away before training: rows on both sides, and a column that tells the target."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .batches import Rows

MOST_COLUMNS = 32
"""Of each row, to find candidates: rows that agree in these are compared whole."""
FIRST_ROWS, FEW_ROWS, MOST_FEATURES = 500, 20, 4096
"""Columns that tell the target in the first rows are looked at in all."""
MIX = 0x9E3779B97F4A7C15 - 2**64
"""An odd number without a pattern (2**64 divided by the golden ratio), by which bits are spread."""


def leaks(train: Any, validation: Any) -> list[str]:
    """A sentence for each leak that is seen, of tensors in memory; a score of such data says too little or too much."""
    if not isinstance(train, Rows) or not isinstance(train.inputs, Tensor) or not isinstance(train.target, Tensor):
        return []
    found = [_tells_the_target(train.inputs, train.target)]
    if isinstance(validation, Rows) and isinstance(validation.inputs, Tensor):
        found.append(_shared(train.inputs, validation.inputs))
    return [sentence for sentence in found if sentence]


def _shared(train: Tensor, aside: Tensor) -> str:
    """Validation rows that are trained on. In a table of few values rows are equal by chance, which is no leak."""
    if train.shape[1:] != aside.shape[1:] or train.dtype != aside.dtype or not train.numel():
        return ""
    own, others = (_marks(part) for part in (train, aside))
    n_own = len(own.unique())
    if 2 * n_own < len(own) and not _is_fine(train, n_own):
        return ""
    ordered, place = own.sort()
    at = torch.searchsorted(ordered, others).clamp(max=len(ordered) - 1)
    candidates = (ordered[at] == others).nonzero().squeeze(1)
    same = (train[place[at[candidates]]] == aside[candidates]).flatten(1).all(1)
    n = int(same.sum())
    if n == 0:
        return ""
    return (
        f"{n:,} of the {len(aside):,} validation rows are also trained on, value by value: what is learned by heart "
        "counts as right. Remove repeated rows before the split (pandas: drop_duplicates)."
    )


def _is_fine(rows: Tensor, n_own: int) -> bool:
    """A single column tells half of the different rows apart, so that equal rows are copies."""
    return any(2 * len(column.unique()) >= n_own for column in rows.flatten(1)[:, :MOST_COLUMNS].T)


def _marks(rows: Tensor) -> Tensor:
    """A whole number per row, (N,), the same for equal rows: whole-number sums do not depend on the order of adding."""
    flat = rows.flatten(1)
    if flat.shape[1] > MOST_COLUMNS:
        flat = flat[:, torch.linspace(0, flat.shape[1] - 1, MOST_COLUMNS).long().to(flat.device)]
    # + 0.0 makes one zero of two
    bits = (flat.float() + 0.0).view(torch.int32).long() if flat.is_floating_point() else flat.long()
    factors = (torch.arange(1, bits.shape[1] + 1, device=bits.device) * MIX) | 1
    return ((bits ^ (bits >> 13)) * factors).sum(1)


def _tells_the_target(x: Tensor, y: Tensor) -> str:
    """A column of a table whose values go one to one with the classes, or that is the target but for scale and zero."""
    if x.dim() != 2 or x.shape[1] > MOST_FEATURES or not x.is_floating_point() or len(x) < FEW_ROWS:
        return ""
    if y.is_floating_point():
        if y.numel() != len(x):
            return ""
        copies, y = _copies_of_numbers, y.reshape(-1).double()
    elif y.dim() == 1:
        copies, y = _copies_of_classes, y.long()
    else:
        return ""
    columns = copies(x[:FIRST_ROWS].double(), y[:FIRST_ROWS])
    columns = columns[copies(x[:, columns].double(), y)] if len(columns) else columns
    if not len(columns):
        return ""
    return (
        f"Column {int(columns[0])} (counted from 0) of the features tells the target by itself, in every row: is it "
        "the target, or known only after it? Then leave it out, or the score means nothing."
    )


def _copies_of_classes(x: Tensor, y: Tensor) -> Tensor:
    """The columns of which each value goes with one class, and each class with one value."""
    classes, index = y.unique(return_inverse=True)
    if len(classes) < 2:
        return index[:0]
    spread = index.unsqueeze(1).expand(x.shape)
    shape = (len(classes), x.shape[1])
    least, most = (
        x.new_empty(shape).scatter_reduce_(0, spread, x, how, include_self=False) for how in ("amin", "amax")
    )
    is_one_value = (least == most).all(0)
    is_own_value = least.sort(0).values.diff(dim=0).ne(0).all(0)
    return (is_one_value & is_own_value).nonzero().squeeze(1)


def _copies_of_numbers(x: Tensor, y: Tensor) -> Tensor:
    """The columns that are a straight line of the target, to float32's rounding."""
    y, x = y - y.mean(), x - x.mean(0)
    slope = (x * y.unsqueeze(1)).sum(0) / x.square().sum(0)
    rest = (y.unsqueeze(1) - slope * x).abs().amax(0)
    return ((rest <= 1e-5 * y.abs().max()) & (rest < y.abs().max())).nonzero().squeeze(1)
