"""Deferred re-weighting: class weights begin to count late, when the features have been learned from all samples alike."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from steepest.core.errors import UsageError
from steepest.core.loss import LossModule


class Deferred(nn.Module):
    """A loss without class weights until `after` calls of `advance()`, and with them from then on.

    Call `advance()` once per epoch (or step: the unit of `after` is yours). The count is saved with the module.
    Source: Cao et al. 2019, arXiv:1906.07413 (there the weights are those of effective_number)
    """

    class_weight: Tensor
    n_advanced: Tensor

    def __init__(self, loss: LossModule, class_weight: Tensor, *, after: int) -> None:
        super().__init__()
        if not isinstance(loss, LossModule) or loss.options.keys() & {"class_weight"} or after < 0:
            raise UsageError(
                where="Deferred",
                seen=f"{loss!r} with after={after!r}",
                needed="a loss of steepest.losses without class weights of its own, and after >= 0, were needed",
                repair="For example Deferred(losses.CrossEntropy(), weightings.effective_number(counts), after=160).",
            )
        self.loss, self.after = loss, after
        self.register_buffer("class_weight", torch.as_tensor(class_weight))
        self.register_buffer("n_advanced", torch.zeros((), dtype=torch.int64))

    def advance(self) -> None:
        """One more epoch, or step, has passed."""
        self.n_advanced += 1

    def forward(self, input: Tensor, target: Tensor, **options: Any) -> Tensor:
        return self.loss(input, target, class_weight=self.weight_now(), **options)

    def parts(self, input: Tensor, target: Tensor, **options: Any) -> tuple[Tensor, Tensor]:
        """(numerator, denominator) for exact gradient accumulation."""
        return self.loss.parts(input, target, class_weight=self.weight_now(), **options)

    def weight_now(self) -> Tensor:
        """Ones, or the class weights; decided on the device, so that nothing waits for it."""
        return torch.where(self.n_advanced >= self.after, self.class_weight, torch.ones_like(self.class_weight))

    def extra_repr(self) -> str:
        return f"after={self.after}"
