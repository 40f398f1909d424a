"""The kinds of targets that a loss may ask for, and what a body may do with class targets."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class TargetKind:
    """has_class_axis: the input has a class axis (dim 1) that an item does not have."""

    name: str
    says: str
    has_class_axis: bool = False


same_as_input = TargetKind("same", "floating numbers of the input's shape (N, *)")
binary = TargetKind("binary", "numbers in [0, 1] of the input's shape (N, *)")
classes = TargetKind("classes", "class indices (N, *), or probabilities of the input's shape (N, C, *)", True)
distribution = TargetKind("distribution", "probabilities of the input's shape (N, C, *)", True)


@dataclass(frozen=True)
class Classes:
    """Class targets, hard or soft, with the class weights and the smoothing already known to them.

    index (N, *): hard labels, or None. probs (N, C, *): soft labels, or None. class_weight (C,) or None.
    A body computes one value per class, (N, C, *), "what the item costs if the true class is c", and returns `target.expect(values)`.
    """

    index: Tensor | None
    probs: Tensor | None
    class_weight: Tensor | None = None
    smoothing: float | Tensor = 0.0

    def expect(self, values: Tensor) -> Tensor:
        """Sum over c of class_weight_c x q_c x values_c; values (N, C, *) -> (N, *)."""
        if self.index is None:
            return (self._smoothed(values) * self._weighted(values)).sum(1)
        picked = values.gather(1, self.index.unsqueeze(1)).squeeze(1)
        if self.class_weight is not None:
            picked = picked * self.class_weight[self.index]
        if self._is_unsmoothed():
            return picked
        return torch.lerp(picked, self._weighted(values).mean(1), self._ratio(picked))

    def shares(self, like: Tensor) -> Tensor:
        """class_weight_c x q_c, smoothed: how much each class counts in an item, (N, C, *) as the logits `like`."""
        if self.index is None:
            q = self._smoothed(like)
        else:
            q = torch.zeros_like(like).scatter(1, self.index.unsqueeze(1), 1.0)
            if not self._is_unsmoothed():
                q = torch.lerp(q, torch.full_like(q, 1.0 / like.shape[1]), self._ratio(q))
        return self._weighted(q)

    def factor(self) -> Tensor | None:
        """Each item's class weight, (N, *), of the unsmoothed label; None when there are no class weights."""
        if self.class_weight is None:
            return None
        if self.index is not None:
            return self.class_weight[self.index]
        assert self.probs is not None
        return (self.probs * self._along_classes(self.class_weight, self.probs)).sum(1)

    def _is_unsmoothed(self) -> bool:
        return not isinstance(self.smoothing, Tensor) and self.smoothing == 0.0

    def _ratio(self, like: Tensor) -> Tensor:
        return torch.as_tensor(self.smoothing, dtype=like.dtype, device=like.device)

    def _smoothed(self, values: Tensor) -> Tensor:
        assert self.probs is not None
        if self._is_unsmoothed():
            return self.probs
        return self.probs + self._ratio(values) * (1.0 / values.shape[1] - self.probs)

    def _weighted(self, values: Tensor) -> Tensor:
        return values if self.class_weight is None else values * self._along_classes(self.class_weight, values)

    @staticmethod
    def _along_classes(vector: Tensor, like: Tensor) -> Tensor:
        return vector.reshape(-1, *[1] * (like.dim() - 2))
