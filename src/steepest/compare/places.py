"""A class at each place of a sample (pixels, tokens): how a model's outputs and the labels meet losses and metrics.

Losses of single items see all places of a batch as one row of items, as they see samples; losses of regions see maps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from steepest.core.loss import Loss

MAPS = "regions"
Slope = Callable[[Tensor, Tensor], "tuple[Tensor, Tensor]"]


@dataclass(frozen=True)
class Places:
    """shape (*): of the places. n_classes: outputs per place, 1 for a single logit. class_axis: of one sample's output; None
    where a single logit has no axis of its own."""

    shape: tuple[int, ...]
    n_classes: int
    class_axis: int | None

    @staticmethod
    def of(output: tuple[int, ...], shape: tuple[int, ...], n_classes: int) -> Places | None:
        """How an output of this shape holds at least n_classes per place (or a single logit for two); None where it does not.

        The class axis is the first, as torch has it, or the last.
        """
        if output == shape and n_classes == 2:
            return Places(shape, 1, None)
        for axis, places, n in ((0, output[1:], output[:1]), (-1, output[:-1], output[-1:])):
            if places == shape and n and (n[0] >= n_classes or n[0] == 1 and n_classes == 2):
                return Places(shape, n[0], axis)
        return None

    def rows(self, outputs: Tensor) -> Tensor:
        """(K, N, output) -> (K, N*, C), or (K, N*) for a single logit without an axis: all places of K models as samples."""
        if self.class_axis is None:
            return outputs.flatten(1)
        last = outputs if self.class_axis == -1 else outputs.movedim(2, -1)
        rows = last.flatten(1, -2)
        return rows if self.n_classes > 1 else rows.squeeze(-1)

    def from_rows(self, rows: Tensor, like: Tensor) -> Tensor:
        """The inverse of `rows`."""
        if self.class_axis != 0:
            return rows.reshape(like.shape)
        return rows.reshape(*like.shape[:2], *like.shape[3:], like.shape[2]).movedim(-1, 2)

    def maps(self, outputs: Tensor) -> Tensor:
        """(K, N, output) -> (K, N, C, *)."""
        return (
            outputs.unsqueeze(2)
            if self.class_axis is None
            else outputs.movedim(self.class_axis if self.class_axis < 0 else 2, 2)
        )

    def from_maps(self, maps: Tensor, like: Tensor) -> Tensor:
        """The inverse of `maps`."""
        return (
            maps.squeeze(2)
            if self.class_axis is None
            else maps.movedim(2, -1 if self.class_axis < 0 else 2).reshape(like.shape)
        )

    def around(self, loss: Loss, slope: Slope) -> Slope:
        """The slope of a loss (see block_losses) that takes the outputs as the model gives them."""
        is_map = loss.target.name == MAPS

        def around(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
            seen = self.maps(outputs) if is_map else _class_first(self.rows(outputs))
            losses, gradient = slope(seen.contiguous(), targets)
            back = self.from_maps(gradient, outputs) if is_map else self.from_rows(_class_first(gradient), outputs)
            return losses, back

        return around

    def encode(self, loss: Loss, labels: Tensor, dtype: torch.dtype) -> Tensor:
        """What a loss asks for of labels (N, *): maps, class indices (N*,), numbers (N*,) or one-hot rows (N*, C)."""
        if loss.target.name == MAPS:
            return labels
        items = labels.flatten()
        if self.n_classes == 1:
            return items.to(dtype)
        if loss.target.name == "classes":
            return items
        one_hot = torch.nn.functional.one_hot(items.clamp(min=0), self.n_classes).to(dtype)
        return torch.where((items < 0).unsqueeze(1), items.unsqueeze(1).to(dtype), one_hot)


def _class_first(rows: Tensor) -> Tensor:
    return rows.transpose(1, 2) if rows.dim() == 3 else rows
