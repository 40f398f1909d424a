"""torch's losses of one class among several: class weights at construction, `weight=` and `mask=` per item at call."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .twin import Twin


class CrossEntropyLoss(Twin, torch.nn.CrossEntropyLoss):
    """torch.nn.CrossEntropyLoss with `weight` (per item) and `mask` at the call; `weight` at construction is per class.

    A mean divides by the sum over items of weight * class weight of the label, as torch does without `weight`; with
    targets that are probabilities by the sum of `weight` alone, where torch divides by the number of items.
    """

    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        if self._adds_nothing(weight, mask):
            return super().forward(input, target)
        axis = 0 if input.dim() == 1 else 1
        rows = input.shape[:axis] + input.shape[axis + 1 :]
        hard = input.shape != target.shape
        ignored = target == self.ignore_index if hard else None
        batch = self._batch(self._same_rows(rows, target, input) if hard else rows, weight, mask, ignored)
        x = batch.read(input, 0, axis)
        y = batch.read(target, 0) if hard else batch.read(target, 1 / input.shape[axis], axis)
        per_class = like(self.weight, x)
        values = F.cross_entropy(
            x,
            y,
            weight=per_class,
            ignore_index=self.ignore_index,
            reduction="none",
            label_smoothing=self.label_smoothing,
        )
        return batch.reduce(values, self.reduction, share=per_class[y] if hard and per_class is not None else None)


class NLLLoss(Twin, torch.nn.NLLLoss):
    """torch.nn.NLLLoss with `weight` (per item) and `mask` at the call; `weight` at construction is per class.

    A mean divides by the sum over items of weight * class weight of the label, as torch does without `weight`.
    """

    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        if self._adds_nothing(weight, mask):
            return super().forward(input, target)
        axis = 0 if input.dim() == 1 else 1
        rows = self._same_rows(input.shape[:axis] + input.shape[axis + 1 :], target, input)
        batch = self._batch(rows, weight, mask, target == self.ignore_index)
        x, y = batch.read(input, 0, axis), batch.read(target, 0)
        per_class = like(self.weight, x)
        values = F.nll_loss(x, y, weight=per_class, ignore_index=self.ignore_index, reduction="none")
        return batch.reduce(values, self.reduction, share=per_class[y] if per_class is not None else None)


class MultiMarginLoss(Twin, torch.nn.MultiMarginLoss):
    """torch.nn.MultiMarginLoss with `weight` (per item) and `mask` at the call; `weight` at construction is per class.

    A mean divides by the sum of the items' weights; class weights do not enter it, as in torch.
    """

    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        if self._adds_nothing(weight, mask):
            return super().forward(input, target)
        batch = self._batch(self._same_rows(input.shape[:-1], target, input), weight, mask)
        x, y = batch.read(input, 0), batch.read(target, 0)
        values = F.multi_margin_loss(x, y, p=self.p, margin=self.margin, weight=like(self.weight, x), reduction="none")
        return batch.reduce(values, self.reduction)


def like(class_weight: Tensor | None, x: Tensor) -> Tensor | None:
    """Half class weights follow an input that was widened; any other dtype is left for torch to judge."""
    if class_weight is None or class_weight.dtype not in (torch.float16, torch.bfloat16):
        return class_weight
    return class_weight.to(x.dtype)
