"""torch's losses of pairs and triplets: `weight=` at construction or at the call, `mask=` at the call, one per pair."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from .regression import Weight
from .twin import WeightedTwin


class MarginRankingLoss(WeightedTwin, torch.nn.MarginRankingLoss):
    """torch.nn.MarginRankingLoss with `weight` and `mask` per pair. A weighted mean divides by the sum of weights."""

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        weight: Weight = None,
    ) -> None:
        super().__init__(margin, size_average, reduce, reduction)
        self._hold(weight)

    def forward(
        self,
        input1: Tensor,
        input2: Tensor,
        target: Tensor,
        *,
        weight: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        if self._adds_nothing(weight, mask):
            return super().forward(input1, input2, target)
        batch = self._batch(self._same_shape(input1, input2, target), weight, mask)
        x1, x2, y = batch.read(input1, 0), batch.read(input2, 0), batch.read(target, 1)
        return batch.reduce(F.margin_ranking_loss(x1, x2, y, margin=self.margin, reduction="none"), self.reduction)


class HingeEmbeddingLoss(WeightedTwin, torch.nn.HingeEmbeddingLoss):
    """torch.nn.HingeEmbeddingLoss with `weight` and `mask` per distance.

    A weighted mean divides by the sum of weights.
    """

    def __init__(
        self,
        margin: float = 1.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        weight: Weight = None,
    ) -> None:
        super().__init__(margin, size_average, reduce, reduction)
        self._hold(weight)

    def forward(
        self, input: Tensor, target: Tensor, *, weight: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        if self._adds_nothing(weight, mask):
            return super().forward(input, target)
        batch = self._batch(self._same_shape(input, target), weight, mask)
        x, y = batch.read(input, 0), batch.read(target, 1)
        return batch.reduce(F.hinge_embedding_loss(x, y, margin=self.margin, reduction="none"), self.reduction)


class CosineEmbeddingLoss(WeightedTwin, torch.nn.CosineEmbeddingLoss):
    """torch.nn.CosineEmbeddingLoss with `weight` and `mask` per pair. A weighted mean divides by the sum of weights."""

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        weight: Weight = None,
    ) -> None:
        super().__init__(margin, size_average, reduce, reduction)
        self._hold(weight)

    def forward(
        self,
        input1: Tensor,
        input2: Tensor,
        target: Tensor,
        *,
        weight: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        if self._adds_nothing(weight, mask):
            return super().forward(input1, input2, target)
        pairs = self._same_shape(input1, input2)[:-1]
        batch = self._batch(self._same_rows(pairs, target, input1), weight, mask)
        x1, x2, y = batch.read(input1, 1), batch.read(input2, 1), batch.read(target, 1)
        return batch.reduce(F.cosine_embedding_loss(x1, x2, y, margin=self.margin, reduction="none"), self.reduction)


class TripletMarginLoss(WeightedTwin, torch.nn.TripletMarginLoss):
    """torch.nn.TripletMarginLoss with `weight` and `mask` per triplet.

    A weighted mean divides by the sum of weights.
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        weight: Weight = None,
    ) -> None:
        super().__init__(margin, p, eps, swap, size_average, reduce, reduction)
        self._hold(weight)

    def forward(
        self,
        anchor: Tensor,
        positive: Tensor,
        negative: Tensor,
        *,
        weight: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        if self._adds_nothing(weight, mask):
            return super().forward(anchor, positive, negative)
        batch = self._batch(self._same_shape(anchor, positive, negative)[:-1], weight, mask)
        values = F.triplet_margin_loss(
            batch.read(anchor, 0),
            batch.read(positive, 1),
            batch.read(negative, 2),
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction="none",
        )
        return batch.reduce(values, self.reduction)


class TripletMarginWithDistanceLoss(WeightedTwin, torch.nn.TripletMarginWithDistanceLoss):
    """torch.nn.TripletMarginWithDistanceLoss with `weight` and `mask` per triplet (N,).

    A weighted mean divides by the sum of weights. A masked triplet never reaches the distance function: an unremarkable
    one stands in its place.
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
        weight: Weight = None,
    ) -> None:
        super().__init__(distance_function=distance_function, margin=margin, swap=swap, reduction=reduction)
        self._hold(weight)

    def forward(
        self,
        anchor: Tensor,
        positive: Tensor,
        negative: Tensor,
        *,
        weight: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        if self._adds_nothing(weight, mask):
            return super().forward(anchor, positive, negative)
        shape = self._same_shape(anchor, positive, negative)
        batch = self._batch(shape[:1] if len(shape) > 1 else (), weight, mask)
        values = F.triplet_margin_with_distance_loss(
            batch.read(anchor, _unremarkable(shape, 0)),
            batch.read(positive, _unremarkable(shape, 1)),
            batch.read(negative, _unremarkable(shape, 2)),
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction="none",
        )
        return batch.reduce(values, self.reduction)


def _unremarkable(shape: torch.Size, which: int) -> Tensor:
    """A vector for dead triplets, neither zero nor parallel to the others: there a distance may lack a gradient."""
    row = shape[1:] if len(shape) > 1 else shape
    return (1.5 + which + torch.cos((which + 1.0) * torch.arange(row.numel()))).reshape(row)
