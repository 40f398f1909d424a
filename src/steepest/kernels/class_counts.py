"""Counts of classes from scores in one pass, where torch needs one for the largest score and several for the counting."""

from __future__ import annotations

from ctypes import c_int64, c_void_p

import torch
from torch import Tensor

from steepest.core.accept import can_read_values

from .compiled import library

FEWEST = 2**20
"""Scores below which torch's own way takes less than 3 ms: not worth the second that the first call compiles."""


def count_classes(scores: Tensor, target: Tensor) -> Tensor | None:
    """Counts (*lead, C, C) in float64 of scores (*lead, N, C) and labels (N,) or (*lead, N).

    None where it cannot be, or where a score is NaN or a label no class: the caller's own way then says what is wrong.
    """
    lead, (n, n_classes) = scores.shape[:-2], scores.shape[-2:]
    if (
        scores.numel() < FEWEST
        or not can_read_values(scores, target)
        or scores.dtype not in (torch.float32, torch.float64)
        or target.dtype != torch.int64
        or target.shape not in ((n,), (*lead, n))
    ):
        return None
    found = library("class_counts", "float" if scores.dtype == torch.float32 else "double")
    if found is None:
        return None
    scores, target = scores.detach().contiguous(), target.contiguous()
    counts = torch.zeros(*lead, n_classes, n_classes, dtype=torch.int64)
    step = 0 if target.dim() == 1 else n
    sizes = (lead.numel(), n, n_classes, step)
    wrong = found.count_classes(_at(scores), _at(target), *map(c_int64, sizes), _at(counts))
    return None if wrong else counts.double()


def _at(tensor: Tensor) -> c_void_p:
    return c_void_p(tensor.data_ptr())
