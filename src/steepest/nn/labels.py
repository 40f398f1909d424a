"""torch's losses of several labels at once: an item is a row, so `weight=` and `mask=` at the call are per row."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .classes import like
from .regression import Weight
from .twin import Twin, WeightedTwin


class MultiLabelMarginLoss(WeightedTwin, torch.nn.MultiLabelMarginLoss):
    """torch.nn.MultiLabelMarginLoss with `weight` and `mask` per row. A weighted mean divides by the sum of weights."""

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        weight: Weight = None,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self._hold(weight)

    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        if self._adds_nothing(weight, mask):
            return super().forward(input, target)
        batch = self._batch(self._same_shape(input, target)[:-1], weight, mask)
        values = F.multilabel_margin_loss(batch.read(input, 0), batch.read(target, -1), reduction="none")
        return batch.reduce(values, self.reduction)


class MultiLabelSoftMarginLoss(Twin, torch.nn.MultiLabelSoftMarginLoss):
    """torch.nn.MultiLabelSoftMarginLoss with `weight` and `mask` per row at the call.

    `weight` at construction is per class. A mean divides by the sum of the rows' weights; class weights do not enter
    it, as in torch. Where single labels are unknown, BCEWithLogitsLoss takes a mask per element.
    """

    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        if self._adds_nothing(weight, mask):
            return super().forward(input, target)
        batch = self._batch(self._same_shape(input, target)[:-1], weight, mask)
        x, y = batch.read(input, 0), batch.read(target, 0)
        values = F.multilabel_soft_margin_loss(x, y, weight=like(self.weight, x), reduction="none")
        return batch.reduce(values, self.reduction)
