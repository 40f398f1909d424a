"""torch's loss of sequences without alignment: `weight=` and `mask=` per sequence."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .regression import Weight
from .twin import WeightedTwin


class CTCLoss(WeightedTwin, torch.nn.CTCLoss):
    """torch.nn.CTCLoss with `weight` and `mask` per sequence (N,).

    A mean divides each loss by its target's length, as torch does, and their weighted sum by the sum of weights.
    """

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False, *, weight: Weight = None
    ) -> None:
        super().__init__(blank, reduction, zero_infinity)
        self._hold(weight)

    def forward(
        self,
        log_probs: Tensor,
        targets: Tensor,
        input_lengths: Tensor,
        target_lengths: Tensor,
        *,
        weight: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        if self._adds_nothing(weight, mask):
            return super().forward(log_probs, targets, input_lengths, target_lengths)
        batch = self._batch(log_probs.shape[1:-1], weight, mask)
        frames = log_probs if log_probs.dim() == 3 else log_probs.unsqueeze(1)
        steps, lengths = torch.as_tensor(input_lengths).reshape(-1), torch.as_tensor(target_lengths).reshape(-1)
        rows = _one_row_each(targets, lengths) if targets.dim() == 1 else targets
        lengths = batch.read(lengths, 0)  # a dead sequence has no label and all frames, which no alignment contradicts
        values = F.ctc_loss(
            batch.read(frames.transpose(0, 1), 0).transpose(0, 1),
            batch.read(rows, 0),
            batch.read(steps, len(frames)),
            lengths,
            self.blank,
            reduction="none",
            zero_infinity=self.zero_infinity,
        ).reshape(batch.shape)
        if self.reduction == "mean":
            values = values / lengths.to(values.device).reshape(batch.shape).clamp(min=1)
        return batch.reduce(values, self.reduction)


def _one_row_each(targets: Tensor, lengths: Tensor) -> Tensor:
    """Concatenated targets (sum of lengths,) as padded rows (N, S), so that one can be left out."""
    rows = targets.split(lengths.tolist())
    return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
