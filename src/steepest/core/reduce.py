"""The one weighting contract of all losses (DESIGN section 4): weights, masks, ignored targets, reductions, additive parts.

A loss body gives one value per item. Here those values become numbers that a user may trust:
numerator = sum of m * w * l and denominator = sum of m * w are additive over any cut of the data; the mean is their quotient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from .errors import UsageError

Reduction = Literal["mean", "sum", "none", "sample", "batchmean"]
Normalize = Literal["weight", "count", "batch"]
Empty = Literal["zero", "nan"]


@dataclass(frozen=True)
class Items:
    """Weighted values of a batch, before any sum.

    values (N, *): w * l, with class weights inside, exactly 0 where an item is masked, ignored or of weight 0.
    weight: the item's share of the denominator (broadcastable to values), or None when every item counts 1.
    present: which items are neither masked nor ignored (broadcastable to values), or None when all are.
    """

    values: Tensor
    weight: Tensor | None
    present: Tensor | None

    def count(self, normalize: Normalize) -> Tensor:
        """The denominator's summands (N, *): weights, or ones, of the items that are present."""
        share = self.weight if normalize == "weight" else None
        ones = self.values.new_ones(()) if share is None else share.to(self.values.dtype)
        if self.present is not None:
            ones = torch.where(self.present, ones, 0.0)
        return ones.expand(self.values.shape)


def plain_count(items: Items, normalize: Normalize) -> int | None:
    """The denominator where it is a number of entries, known without looking at any; else None."""
    if normalize == "batch":
        return items.values.shape[0] if items.values.dim() else 1
    if items.present is None and (items.weight is None or normalize == "count"):
        return items.values.numel()
    return None


def parts(
    items: Items, normalize: Normalize = "weight", denominator: float | Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """(numerator, denominator), both scalars, additive over micro-batches, ranks, chunks and trials."""
    values = items.values
    if denominator is not None:
        return values.sum(), torch.as_tensor(denominator, dtype=values.dtype, device=values.device)
    count = plain_count(items, normalize)
    if count is not None:
        return values.sum(), values.new_full((), count)
    return values.sum(), items.count(normalize).sum()


def quotient(numerator: Tensor, denominator: Tensor, empty: Empty = "zero") -> Tensor:
    """numerator / denominator; 0 with zero gradient where the denominator is 0, or NaN when asked."""
    if empty == "nan":
        return numerator / denominator
    return numerator / torch.where(denominator == 0, 1.0, denominator)


def mean(items: Items, normalize: Normalize, denominator: float | Tensor | None, empty: Empty) -> Tensor:
    """The quotient of the parts."""
    count = plain_count(items, normalize) if denominator is None else None
    if count:  # a known count needs no tensor
        return items.values.sum() / count
    return quotient(*parts(items, normalize, denominator), empty)


def reduce(
    items: Items,
    reduction: Reduction,
    normalize: Normalize = "weight",
    denominator: float | Tensor | None = None,
    empty: Empty = "zero",
) -> Tensor:
    """The reduced loss. none: weighted values (N, *); sample: each sample's own mean (N,); batchmean: sum / N."""
    if reduction == "none":
        return items.values
    if reduction == "sum":
        return items.values.sum()
    if reduction == "sample":
        own = items.values.flatten(1).sum(1) if items.values.dim() > 1 else items.values
        count = items.count(normalize)
        return quotient(own, count.flatten(1).sum(1) if count.dim() > 1 else count, empty)
    if reduction == "batchmean":
        return mean(items, "batch", None, empty)
    return mean(items, normalize, denominator, empty)


def check_words(where: str, reduction: str, normalize: str, empty: str) -> None:
    for name, word, words in (
        ("reduction", reduction, ("mean", "sum", "none", "sample", "batchmean")),
        ("normalize", normalize, ("weight", "count", "batch")),
        ("empty", empty, ("zero", "nan")),
    ):
        if word not in words:
            raise UsageError(
                where=where,
                seen=f"{name} is {word!r}",
                needed=f"{name} must be one of {', '.join(words)}",
                repair=f"The default is {words[0]!r}.",
            )
