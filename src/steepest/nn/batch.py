"""One call of a loss with `weight` or `mask`: which items are read, what each counts, and the mean that follows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..core import accept, reduce
from ..core.errors import ShapeError, UsageError

HALVES = (torch.float16, torch.bfloat16)
REDUCTIONS = ("none", "mean", "sum")


class Batch:
    """The items of one batch, each with its weight, some of them out of sight.

    shape: one entry per item, that of the loss with reduction="none"; weight and mask have it, or its first axes.
    ignored: items that torch leaves out already, such as those of an ignore_index.
    A dead item (masked, ignored or of weight 0) is never read: whatever stands there, its value and gradient are 0.
    """

    def __init__(
        self,
        where: str,
        shape: Sequence[int],
        weight: Tensor | None = None,
        mask: Tensor | None = None,
        ignored: Tensor | None = None,
    ) -> None:
        self.shape = torch.Size(shape)
        mask = accept.accept_left_aligned(where, "mask", mask, self.shape)
        if mask is not None and mask.dtype != torch.bool:
            raise UsageError(
                where=where,
                seen=f"mask is {mask.dtype}",
                needed="a boolean mask was needed: True keeps an item",
                repair="mask.bool() converts; fractions belong into weight.",
            )
        self.where = where
        self.present = _both(mask, None if ignored is None else ~ignored)
        self.weight = self._accept_weight(weight)
        self.alive = _unless_all(_both(self.present, None if self.weight is None else self.weight != 0))
        self._dtypes: set[torch.dtype] = set()

    def _accept_weight(self, weight: Tensor | None) -> Tensor | None:
        """The weight as a view over the items, 0 where an item is masked, so that NaN may stand there."""
        weight = accept.accept_left_aligned(self.where, "weight", weight, self.shape)
        if weight is None:
            return None
        if self.present is not None:
            weight = torch.where(self.present, weight, torch.zeros_like(weight))
        return accept.accept_nonnegative(self.where, "weight", weight)

    def read(self, tensor: Tensor, instead: float | Tensor, axis: int | None = None, widen: bool = True) -> Tensor:
        """The tensor with `instead` wherever an item is dead; halves as float32, for the sums that follow.

        axis: of the tensor, where the items have none (the classes). Trailing axes beyond the items' are covered too.
        """
        if tensor.is_floating_point():
            self._dtypes.add(tensor.dtype)
        if tensor.dtype in HALVES and widen:
            tensor = tensor.float()
        if self.alive is None:
            return tensor
        dead = ~self.alive if axis is None else ~self.alive.unsqueeze(axis)
        dead = _left_aligned(dead, tensor.dim()).to(tensor.device)  # the lengths of a CTC batch may lie on the CPU
        if isinstance(instead, Tensor):
            return torch.where(dead, instead.to(tensor), tensor)
        return tensor.masked_fill(dead, instead)

    def reduce(
        self,
        values: Tensor,
        reduction: str,
        *,
        share: Tensor | None = None,
        by_count: bool = False,
        known: Sequence[str] = REDUCTIONS,
    ) -> Tensor:
        """The loss of unreduced, unweighted `values`.

        share: a further factor of the denominator alone, such as class weights, which the values hold already.
        by_count: the mean divides by the number of items, whatever they weigh.
        batchmean: a row counts as its heaviest item.
        """
        _check_reduction(self.where, reduction, known)
        wide = values.float() if values.dtype in HALVES else values
        weight = None if self.weight is None else _left_aligned(self.weight, wide.dim()).to(wide.dtype)
        if weight is not None:
            wide = wide * weight
        if self.alive is not None:
            wide = wide.masked_fill(_left_aligned(~self.alive, wide.dim()), 0.0)
        if reduction == "none":
            return self._as_torch_returns(wide, values)
        total = wide.sum()
        if reduction != "sum" and not (reduction == "batchmean" and wide.dim() == 0):
            counts = self._counts(wide, None if by_count else weight, share)
            if reduction == "batchmean":
                counts = counts.expand(wide.shape).flatten(1).amax(1) if wide.dim() > 1 else counts.expand(wide.shape)
                total = reduce.quotient(total, counts.sum())
            else:
                copies = wide.numel() // max(counts.numel(), 1)  # each count stands for that many values
                total = reduce.quotient(total, counts.sum() * copies)
        return self._as_torch_returns(total, values)

    def _counts(self, values: Tensor, weight: Tensor | None, share: Tensor | None) -> Tensor:
        """What each value adds to the denominator, broadcastable over the values."""
        counts = values.new_ones((), dtype=values.dtype)
        for factor in (weight, share):
            if factor is not None:
                counts = counts * factor.to(counts.dtype)
        if self.present is not None:
            counts = torch.where(_left_aligned(self.present, values.dim()), counts, torch.zeros_like(counts))
        return counts

    def _as_torch_returns(self, result: Tensor, values: Tensor) -> Tensor:
        """Halves in give a half out, as in torch, except under autocast, where torch's losses give float32."""
        if values.dtype in HALVES:
            return result.to(values.dtype)
        all_half = len(self._dtypes) == 1 and self._dtypes <= set(HALVES)
        if all_half and not torch.is_autocast_enabled(values.device.type):
            return result.to(next(iter(self._dtypes)))
        return result


def _check_reduction(where: str, reduction: str, known: Sequence[str]) -> None:
    if reduction not in known:
        raise UsageError(
            where=where,
            seen=f"reduction is {reduction!r}",
            needed=f"reduction must be one of {', '.join(known)}",
            repair="The default is 'mean'.",
        )


def _left_aligned(view: Tensor, n_axes: int) -> Tensor:
    return view.reshape(tuple(view.shape) + (1,) * (n_axes - view.dim()))


def _unless_all(alive: Tensor | None) -> Tensor | None:
    """None where every item is seen to be alive: no copy without the dead ones is needed then."""
    if alive is None or torch.jit.is_tracing() or not accept.can_read_values(alive):
        return alive
    return None if bool(alive.all()) else alive


def _both(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    return b if a is None else a if b is None else a & b


def refuse_two_readings(where: str, weight: Tensor, shape: Sequence[int]) -> None:
    """A weight bound at construction that could mean rows as well as columns of this batch is refused.

    At the call, `weight` always starts at the first axis; a bound one was written without sight of the batch.
    """
    own, items = tuple(weight.shape), tuple(shape)
    windows = range(1, len(items) - len(own) + 1)
    if 0 < len(own) and items[: len(own)] == own and any(items[j : j + len(own)] == own for j in windows):
        rows = ", ".join([":"] * len(own) + ["None"] * (len(items) - len(own)))
        columns = ", ".join(["None"] * (len(items) - len(own)) + [":"] * len(own))
        raise ShapeError(
            where=where,
            seen=f"weight has shape {own} and the items {items}",
            needed="a weight bound at construction must fit in one way only",
            consequence="It could be one weight per row as well as one per column.",
            repair=f"Per row: weight[{rows}]. Per column: weight[{columns}]. At the call, weight=... means rows.",
        )
