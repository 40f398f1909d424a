"""torch's linear layer fused with its cross-entropy: class weights bound, `weight=` and `mask=` at the call."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .twin import Twin


class LinearCrossEntropyLoss(Twin, torch.nn.LinearCrossEntropyLoss):
    """torch.nn.LinearCrossEntropyLoss with `weight` (per item) and `mask` at the call.

    `weight` at construction is per class. A mean divides as that of CrossEntropyLoss. The chunked path (`options`)
    works with both, and when every item is masked it gives 0 with gradients 0; torch's all-ignored mean gives NaN.
    """

    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        if self._adds_nothing(weight, mask):
            return super().forward(input, target)
        rows = torch.Size((*input.shape[:-1], *self.out_features))
        hard = target.shape != torch.Size((*input.shape[:-1], self.num_classes, *self.out_features))
        ignored = target == (-100 if self.ignore_index is None else self.ignore_index) if hard else None
        batch = self._batch(self._same_rows(rows, target, input) if hard else rows, weight, mask, ignored)
        axis = input.dim() - 1
        y = batch.read(target, 0) if hard else batch.read(target, 1 / self.num_classes, axis, widen=False)
        values = F.linear_cross_entropy(
            self._read_rows(input, batch.alive, rows),
            self.linear.weight.reshape(self.num_classes, *self.out_features, self.linear.in_features),
            y,
            linear_bias=None
            if self.linear.bias is None
            else self.linear.bias.reshape(self.num_classes, *self.out_features),
            weight=self.weight,
            reduction="none",
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            options=self.options,
        )
        return batch.reduce(values, self.reduction, share=self.weight[y] if hard and self.weight is not None else None)

    def _read_rows(self, input: Tensor, alive: Tensor | None, items: torch.Size) -> Tensor:
        """An input row feeds all of its out_features: it is left out when all of them are."""
        if alive is None:
            return input
        if self.out_features:
            alive = alive.expand(items).flatten(1).any(1)
        return input.masked_fill(~alive.unsqueeze(-1), 0)
