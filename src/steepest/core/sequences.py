"""Sequences: many steps of logits beside a shorter line of labels, without a word on which step belongs to which label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from . import accept
from .batch import Batch, Live, Options, ignored, liveness
from .errors import LabelError, ShapeError
from .targets import TargetKind


@dataclass(frozen=True)
class Transcripts:
    """labels (N, S), padded with 0, the blank; lengths (N,): labels that are none; steps (N, T): those that count."""

    labels: Tensor
    lengths: Tensor
    steps: Tensor


@dataclass(frozen=True)
class SequenceTargets(TargetKind):
    """A mask (N,) leaves sequences out, one of (N, T) steps; ignore_index is the padding of the labels, as 0 is.

    A sequence without labels, or with fewer steps than its labels need, is no item.
    """

    def items(self, x: Tensor) -> torch.Size:
        return x.shape[:1]

    def batch(self, where: str, x: Tensor, target: Any, options: Options, safe: tuple[float, float]) -> Batch:
        _accept_steps(where, x)
        self.refuse(where, "class_weight", options.class_weight, "classes")
        if options.is_smoothed:
            self.refuse(where, "label_smoothing", options.smoothing, "labels per step")
        n_labels = target.shape[-1] if isinstance(target, Tensor) and target.dim() == 2 else 1
        y = accept.accept_indices(where, x, target, torch.Size((len(x), n_labels)), "one line of labels")
        accept.accept_same_device(where, x, target=y, weight=options.weight, mask=options.mask)
        weight = accept.accept_left_aligned(where, "weight", options.weight, x.shape[:1])
        live = liveness(where, x.shape[:1] + x.shape[2:], Options(weight, options.mask), None)
        steps, padding = torch.ones_like(x[:, 0], dtype=torch.bool), ignored(y, options.ignore_index)
        if live.alive is not None:
            steps = live.alive.expand(steps.shape)
        if padding is not None:
            y = torch.where(padding, 0, y)
            steps = steps & ~padding.all(1, keepdim=True)
        y = torch.where(steps.any(1, keepdim=True), y, 0)
        accept.accept_labels(where, y, x.shape[1])
        _accept_no_holes(where, y)
        lengths = (y != 0).sum(1)
        n_repeats = ((y[:, 1:] == y[:, :-1]) & (y[:, 1:] != 0)).sum(1)
        is_enough = (lengths > 0) & (steps.sum(1) >= lengths + n_repeats)
        x = torch.where(steps.unsqueeze(1), x, safe[0])
        counted = is_enough if weight is None else is_enough | (weight == 0)
        return Batch(x, Transcripts(y, lengths, steps), Live(weight, counted, is_enough))


def _accept_no_holes(where: str, y: Tensor) -> None:
    """The blank, 0, is no label: it may only pad the end."""
    if not accept.can_read_values(y):
        return
    holes = ((y[:, :-1] == 0) & (y[:, 1:] != 0)).nonzero()
    if len(holes):
        raise LabelError(
            where=where,
            seen=f"target{holes[0].tolist()} is blank or padding, and a label follows",
            needed="labels 1..C-1 first, padding after them, were needed",
            repair="Class 0 is the blank: if your labels start at 0, use target + 1 and one more output.",
        )


def _accept_steps(where: str, x: Tensor) -> None:
    if x.dim() != 3:
        raise ShapeError(
            where=where,
            seen=f"input has shape {tuple(x.shape)}",
            needed="(N, C, T) was needed: logits of C classes, the first one blank, at T steps",
            repair="From torch's (T, N, C): input.permute(1, 2, 0). For one sequence: input.unsqueeze(0).",
        )


sequence = SequenceTargets("sequence", "labels 1..C-1 (N, S), padded with ignore_index, beside an input (N, C, T)", True)
