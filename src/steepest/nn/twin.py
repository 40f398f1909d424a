"""What all our loss classes share: torch's own code as long as nothing is added, and where a bound weight lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..core.errors import ShapeError, UsageError
from ..core.shapes import mismatch
from .batch import Batch, refuse_two_readings


class Twin(nn.Module):
    """Mixed in before a loss class of torch, whose `weight`, if it has one, keeps torch's meaning.

    `forward` takes `weight` and `mask` by keyword; without them it is torch's own.
    """

    def _adds_nothing(self, weight: Tensor | None, mask: Tensor | None) -> bool:
        return weight is None and mask is None

    def _batch(
        self, shape: Sequence[int], weight: Tensor | None, mask: Tensor | None, ignored: Tensor | None = None
    ) -> Batch:
        return Batch(type(self).__name__, shape, weight, mask, ignored)

    def _same_shape(self, input: Tensor, *others: Tensor) -> torch.Size:
        """The common shape; with weights or masks nothing is broadcast in silence."""
        for other in others:
            if other.shape != input.shape:
                raise mismatch(type(self).__name__, input.shape, other.shape)
        return input.shape

    def _same_rows(self, rows: torch.Size, target: Tensor, input: Tensor) -> torch.Size:
        """The shape of the items, which a target with one entry per item must have."""
        if target.shape != rows:
            raise ShapeError(
                where=type(self).__name__,
                seen=f"input has shape {tuple(input.shape)} and target {tuple(target.shape)}",
                needed=f"with weight or mask target must have shape {tuple(rows)}: one entry per item",
                repair=f"Did you mean target.reshape({', '.join(map(str, rows))})?"
                if target.numel() == rows.numel()
                else "Does every sample have one label?",
            )
        return rows

    def __prepare_scriptable__(self) -> nn.Module:
        """TorchScript gets torch's own class; a container that is scripted holds that class afterwards."""
        if not type(self).__module__.startswith(__package__ + "."):
            return self
        if not self._adds_nothing(None, None):
            raise UsageError(
                where=type(self).__name__,
                seen="it holds a weight and is to be scripted",
                needed="TorchScript knows torch's own losses only",
                repair="torch.compile takes it as it is.",
            )
        theirs = next(c for c in type(self).__mro__ if c.__module__.startswith("torch.nn."))
        plain: nn.Module = object.__new__(theirs)
        plain.__dict__.update(self.__dict__)
        return plain


class WeightedTwin(Twin):
    """Mixed in before a loss class of torch without a weight: ours has one at construction too, per row or element."""

    weight: Tensor | None

    def _hold(self, weight: Tensor | Sequence[float] | None) -> None:
        """A buffer as in torch's weighted losses: it moves with the module and is saved with it."""
        if weight is not None and not isinstance(weight, Tensor):
            weight = torch.tensor(weight, dtype=torch.get_default_dtype())
        self.register_buffer("weight", weight)

    def _adds_nothing(self, weight: Tensor | None, mask: Tensor | None) -> bool:
        return weight is None and mask is None and self.weight is None

    def _batch(
        self, shape: Sequence[int], weight: Tensor | None, mask: Tensor | None, ignored: Tensor | None = None
    ) -> Batch:
        """A weight at the call replaces the one of the construction."""
        if weight is None and self.weight is not None:
            refuse_two_readings(type(self).__name__, self.weight, shape)
            weight = self.weight
        return super()._batch(shape, weight, mask, ignored)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Pickles of older versions, or of torch's class, hold no weight."""
        super().__setstate__(state)
        self._buffers.setdefault("weight", None)
