"""torch's losses of measurements and distributions: `weight=` at construction or at the call, `mask=` at the call."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .batch import REDUCTIONS
from .twin import WeightedTwin

Weight = Tensor | Sequence[float] | None


class L1Loss(WeightedTwin, torch.nn.L1Loss):
    """torch.nn.L1Loss, |x - y|, with `weight` (per row or element) and `mask`.

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
        values = F.l1_loss(batch.read(input, 0), batch.read(target, 0), reduction="none")
        return batch.reduce(values, self.reduction)


class MSELoss(WeightedTwin, torch.nn.MSELoss):
    """torch.nn.MSELoss, (x - y)**2, with `weight` (per row or element) and `mask`.

    A weighted mean divides by the sum of weights. For outputs of (3, 5): weight (3,) is per row, (3, 5) per element,
    (1, 5), that is w[None, :], per column.
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
        values = F.mse_loss(batch.read(input, 0), batch.read(target, 0), reduction="none")
        return batch.reduce(values, self.reduction)


class SmoothL1Loss(WeightedTwin, torch.nn.SmoothL1Loss):
    """torch.nn.SmoothL1Loss with `weight` (per row or element) and `mask`.

    A weighted mean divides by the sum of weights.
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
        *,
        weight: Weight = None,
    ) -> None:
        super().__init__(size_average, reduce, reduction, beta)
        self._hold(weight)

    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        if self._adds_nothing(weight, mask):
            return super().forward(input, target)
        batch = self._batch(self._same_shape(input, target), weight, mask)
        x, y = batch.read(input, 0), batch.read(target, 0)
        return batch.reduce(F.smooth_l1_loss(x, y, reduction="none", beta=self.beta), self.reduction)


class HuberLoss(WeightedTwin, torch.nn.HuberLoss):
    """torch.nn.HuberLoss with `weight` (per row or element) and `mask`. A weighted mean divides by the sum of weights.

    torch's class has no weight; its function F.huber_loss(weight=...) divides by the number of elements instead, unlike
    F.mse_loss(weight=...).
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0, *, weight: Weight = None) -> None:
        super().__init__(reduction, delta)
        self._hold(weight)

    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        if self._adds_nothing(weight, mask):
            return super().forward(input, target)
        batch = self._batch(self._same_shape(input, target), weight, mask)
        x, y = batch.read(input, 0), batch.read(target, 0)
        return batch.reduce(F.huber_loss(x, y, reduction="none", delta=self.delta), self.reduction)


class PoissonNLLLoss(WeightedTwin, torch.nn.PoissonNLLLoss):
    """torch.nn.PoissonNLLLoss with `weight` (per row or element) and `mask`.

    A weighted mean divides by the sum of weights.
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-8,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        weight: Weight = None,
    ) -> None:
        super().__init__(log_input, full, size_average, eps, reduce, reduction)
        self._hold(weight)

    def forward(
        self, log_input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        if self._adds_nothing(weight, mask):
            return super().forward(log_input, target)
        batch = self._batch(self._same_shape(log_input, target), weight, mask)
        x, y = batch.read(log_input, 1), batch.read(target, 1)
        values = F.poisson_nll_loss(x, y, log_input=self.log_input, full=self.full, eps=self.eps, reduction="none")
        return batch.reduce(values, self.reduction)


class GaussianNLLLoss(WeightedTwin, torch.nn.GaussianNLLLoss):
    """torch.nn.GaussianNLLLoss with `weight` (per row or element) and `mask`.

    A weighted mean divides by the sum of weights.
    """

    def __init__(
        self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean", weight: Weight = None
    ) -> None:
        super().__init__(full=full, eps=eps, reduction=reduction)
        self._hold(weight)

    def forward(
        self,
        input: Tensor,
        target: Tensor,
        var: Tensor | float,
        *,
        weight: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        if self._adds_nothing(weight, mask):
            return super().forward(input, target, var)
        batch = self._batch(self._same_shape(input, target), weight, mask)
        if isinstance(var, Tensor):
            var = batch.read(_spread(var, input), 1)
        x, y = batch.read(input, 0), batch.read(target, 0)
        values = F.gaussian_nll_loss(x, y, var, full=self.full, eps=self.eps, reduction="none")
        return batch.reduce(values, self.reduction)


def _spread(var: Tensor, input: Tensor) -> Tensor:
    """A variance per row, which torch allows too, as one per element."""
    if var.shape == input.shape[:-1] and var.shape != input.shape:
        var = var.unsqueeze(-1)
    if var.dim() != input.dim() or any(have not in (1, want) for have, want in zip(var.shape, input.shape)):
        raise ValueError("var is of incorrect size")  # torch's words
    return var.expand(input.shape)


class KLDivLoss(WeightedTwin, torch.nn.KLDivLoss):
    """torch.nn.KLDivLoss with `weight` (per row or element) and `mask`.

    A weighted mean divides by the sum of the elements' weights; batchmean by that of the rows', a row counting as its
    heaviest element: with weights (N,) by their sum, with some columns masked still by N.
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
        *,
        weight: Weight = None,
    ) -> None:
        super().__init__(size_average, reduce, reduction, log_target)
        self._hold(weight)

    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        if self._adds_nothing(weight, mask):
            return super().forward(input, target)
        batch = self._batch(self._same_shape(input, target), weight, mask)
        x, y = batch.read(input, 0), batch.read(target, 1)
        values = F.kl_div(x, y, reduction="none", log_target=self.log_target)
        return batch.reduce(values, self.reduction, known=(*REDUCTIONS, "batchmean"))
