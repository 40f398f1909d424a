"""torch's losses of yes and no: `weight=` and `mask=` at the call, for every one of them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .regression import Weight
from .twin import Twin, WeightedTwin


class BCELoss(Twin, torch.nn.BCELoss):
    """torch.nn.BCELoss with `mask` and `weight` at the call.

    A mean divides by the number of elements that are not masked, weighted or not, as torch documents for its own
    `weight`. That of the construction is aligned on the right as in torch; one at the call replaces it and starts at
    the rows.
    """

    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        if self._adds_nothing(weight, mask):
            return super().forward(input, target)
        shape = self._same_shape(input, target)
        if weight is None and self.weight is not None:
            weight = self.weight.expand(shape)
        batch = self._batch(shape, weight, mask)
        values = F.binary_cross_entropy(batch.read(input, 0.5), batch.read(target, 0), reduction="none")
        return batch.reduce(values, self.reduction, by_count=True)


class BCEWithLogitsLoss(Twin, torch.nn.BCEWithLogitsLoss):
    """torch.nn.BCEWithLogitsLoss with `mask` and `weight` at the call.

    A mean divides by the number of elements that are not masked, weighted or not, as torch documents for its own
    `weight`. That of the construction is aligned on the right as in torch; one at the call replaces it and starts at
    the rows.
    """

    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        if self._adds_nothing(weight, mask):
            return super().forward(input, target)
        shape = self._same_shape(input, target)
        if weight is None and self.weight is not None:
            weight = self.weight.expand(shape)
        batch = self._batch(shape, weight, mask)
        x, y = batch.read(input, 0), batch.read(target, 0)
        values = F.binary_cross_entropy_with_logits(x, y, pos_weight=self.pos_weight, reduction="none")
        return batch.reduce(values, self.reduction, by_count=True)


class SoftMarginLoss(WeightedTwin, torch.nn.SoftMarginLoss):
    """torch.nn.SoftMarginLoss with `weight` (per row or element) and `mask`.

    A weighted mean divides by the sum of weights.
    """

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
        batch = self._batch(self._same_shape(input, target), weight, mask)
        values = F.soft_margin_loss(batch.read(input, 0), batch.read(target, 1), reduction="none")
        return batch.reduce(values, self.reduction)
