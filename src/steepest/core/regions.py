"""Regions: maps of pixels whose items are the classes of a sample, for losses of overlap; pixels count inside an item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from . import accept
from .batch import Batch, Live, Options, both, ignored, liveness
from .errors import ShapeError
from .targets import TargetKind


@dataclass(frozen=True)
class Regions:
    """share (N, C, *): how much of each pixel belongs to each class. pixel_weight (N, 1, *) or None: how much a pixel counts."""

    share: Tensor
    pixel_weight: Tensor | None = None

    def sum(self, values: Tensor) -> Tensor:
        """The weighted sum over the pixels: (N, C, *) -> (N, C)."""
        return self.weighted(values).flatten(2).sum(2)

    def weighted(self, values: Tensor) -> Tensor:
        return values if self.pixel_weight is None else values * self.pixel_weight


def probabilities(logits: Tensor) -> Tensor:
    """What the logits (N, C, *) say of each pixel: softmax over the classes, or the sigmoid of a single logit."""
    return logits.softmax(1) if logits.shape[1] > 1 else logits.sigmoid()


@dataclass(frozen=True)
class RegionTargets(TargetKind):
    """A weight or mask (N,) is of samples, one of the pixels' shape (N, *) is of pixels.

    is_per_class: items are (N, C), else (N,). needs_pixels: a class that no pixel of a sample belongs to is no item.
    """

    is_per_class: bool = True
    needs_pixels: bool = False

    def items(self, x: Tensor) -> torch.Size:
        return x.shape[:2] if self.is_per_class else x.shape[:1]

    def batch(self, where: str, x: Tensor, target: Any, options: Options, safe: tuple[float, float]) -> Batch:
        _accept_pixels(where, x)
        pixels = x.shape[:1] + x.shape[2:]
        is_map = not (isinstance(target, Tensor) and target.is_floating_point())
        if is_map:
            y = accept.accept_indices(where, x, target, pixels, "one label")
        else:
            self.refuse(where, "ignore_index", options.ignore_index, "class maps; mask leaves pixels out")
            y = accept.accept_equal_target(where, x, target, self.says)
        accept.accept_same_device(where, x, target=y, weight=options.weight, mask=options.mask)
        live = liveness(where, pixels, options, ignored(y, options.ignore_index) if is_map else None)
        if live.alive is not None:
            gate = live.alive.unsqueeze(1)
            x, y = torch.where(gate, x, safe[0]), torch.where(live.alive if is_map else gate, y, 0)
        share = self._smoothed(_one_hot(where, y, x) if is_map else y, options)
        accept.accept_probabilities(where, "target", share)
        is_of_samples = live.weight is not None and live.weight.shape[1:].numel() == 1
        body = Regions(share, _pixel_weight(live, is_of_samples, x))
        return Batch(x, body, self._items(where, x, body, options, live, is_of_samples))

    def _smoothed(self, share: Tensor, options: Options) -> Tensor:
        if not options.is_smoothed:
            return share
        even = 1.0 / max(share.shape[1], 2)
        return share + torch.as_tensor(options.smoothing, dtype=share.dtype, device=share.device) * (even - share)

    def _items(
        self, where: str, x: Tensor, body: Regions, options: Options, live: Live, is_of_samples: bool
    ) -> Live:
        """Which items count, and how much: those with a pixel that counts."""
        alive = _any_pixel(live.alive, x)
        present = _any_pixel(live.present, x) if is_of_samples else alive
        weight = live.weight.reshape(-1, 1) if is_of_samples and live.weight is not None else None
        if not self.is_per_class:
            self.refuse(where, "class_weight", options.class_weight, "classes; here all classes of a sample are one item")
        per_class = accept.accept_class_weight(where, options.class_weight, x.shape[1], x)
        if per_class is not None:
            weight = per_class.expand(x.shape[:2]) if weight is None else weight * per_class
            alive = both(alive, (per_class != 0).expand(x.shape[:2]))
        if self.needs_pixels:
            has_pixels = body.sum(body.share) > 0
            present, alive = both(present, has_pixels), both(alive, has_pixels)
        if self.is_per_class:
            return Live(weight, present, alive)
        return Live(*(None if part is None else part.squeeze(1) for part in (weight, present, alive)))

    def logits(self, p: Tensor, least: float) -> Tensor:
        log = p.clamp(min=least).log()
        return log if p.shape[1] > 1 else log - (1 - p).clamp(min=least).log()


def _one_hot(where: str, y: Tensor, x: Tensor) -> Tensor:
    """The map (N, *) as shares (N, C, *); of two classes with one logit, that of class 1."""
    n_classes = max(x.shape[1], 2)
    accept.accept_labels(where, y, n_classes)
    levels = torch.arange(n_classes - x.shape[1], n_classes, device=y.device).reshape(-1, *[1] * (y.dim() - 1))
    return (y.unsqueeze(1) == levels).to(x.dtype)


def _pixel_weight(live: Live, is_of_samples: bool, x: Tensor) -> Tensor | None:
    """(N, 1, *), 0 where a pixel is dead; None when all count alike."""
    weight = None if is_of_samples else live.weight
    if live.alive is not None:
        weight = torch.where(live.alive, 1.0 if weight is None else weight, 0.0)
    return None if weight is None else weight.to(x.dtype).expand(x.shape[:1] + x.shape[2:]).unsqueeze(1)


def _any_pixel(pixels: Tensor | None, x: Tensor) -> Tensor | None:
    """(N, *) -> (N, 1): samples with at least one such pixel."""
    if pixels is None:
        return None
    return pixels.expand(x.shape[:1] + x.shape[2:]).flatten(1).any(1, keepdim=True)


def _accept_pixels(where: str, x: Tensor) -> None:
    if x.dim() < 3:
        raise ShapeError(
            where=where,
            seen=f"input has shape {tuple(x.shape)}",
            needed="(N, C, *) was needed: logits of C classes (or of one) for each pixel",
            repair="For one sample: input.unsqueeze(0) and target.unsqueeze(0). For rows without pixels: a loss of classes.",
        )


regions = RegionTargets("regions", "a class map (N, *) of whole numbers, or shares of the input's shape (N, C, *)", True)
regions_with_pixels = RegionTargets(regions.name, regions.says, True, needs_pixels=True)
regions_of_samples = RegionTargets(regions.name, regions.says, True, is_per_class=False)
