"""torch's adaptive softmax, a layer with its own loss: `weight=` and `mask=` per item at the call."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .twin import Twin


class AdaptiveLogSoftmaxWithLoss(Twin, torch.nn.AdaptiveLogSoftmaxWithLoss):
    """torch.nn.AdaptiveLogSoftmaxWithLoss with `weight` and `mask` per item at the call.

    The loss divides by the sum of weights; the output of a masked item is 0.
    """

    def forward(
        self, input_: Tensor, target_: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None
    ) -> Any:
        if self._adds_nothing(weight, mask):
            return super().forward(input_, target_)
        batch = self._batch(self._same_rows(input_.shape[:-1], target_, input_), weight, mask)
        found = super().forward(batch.read(input_, 0, widen=False), batch.read(target_, 0))
        return type(found)(batch.read(found.output, 0, widen=False), batch.reduce(-found.output, "mean"))
