"""Embeddings whose items see each other: labels say who belongs together, or each item brings its own two views."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from . import accept
from .batch import Batch, Live, Options, both, ignored, liveness
from .errors import ShapeError, UsageError
from .targets import TargetKind


@dataclass(frozen=True)
class Partners:
    """For each anchor (axis 0): same (N, N), the other living items of its label; other (N, N): those of another label."""

    same: Tensor
    other: Tensor


@dataclass(frozen=True)
class Views:
    """living (N, N): both items of a pair live, so they may be compared; each item with itself always."""

    living: Tensor


@dataclass(frozen=True)
class Embeddings(TargetKind):
    """Items are anchors. A dead one is nobody's partner; one without the partners that the loss needs is no item."""

    needs_same: bool = False
    needs_other: bool = False

    def batch(self, where: str, x: Tensor, target: Any, options: Options, safe: tuple[float, float]) -> Batch:
        _accept_dims(where, x, 2, "(N, D): one embedding per sample")
        self.refuse_labels(where, options)
        y = accept.accept_indices(where, x, target, x.shape[:1], "one label")
        accept.accept_same_device(where, x, target=y, weight=options.weight, mask=options.mask)
        live = liveness(where, x.shape[:1], options, ignored(y, options.ignore_index))
        if live.alive is not None:
            x, y = torch.where(live.alive.unsqueeze(1), x, safe[0]), torch.where(live.alive, y, 0)
        body = _partners(y, live.alive)
        return Batch(x, body, self._with_partners(body, live))

    def items(self, x: Tensor) -> torch.Size:
        return x.shape[:1]

    def refuse_labels(self, where: str, options: Options) -> None:
        """What belongs to losses with a fixed number of classes."""
        self.refuse(where, "class_weight", options.class_weight, "classes")
        if options.is_smoothed:
            self.refuse(where, "label_smoothing", options.smoothing, "labels that a model predicts")

    def _with_partners(self, body: Partners, live: Live) -> Live:
        found = None
        for needs, partners in ((self.needs_same, body.same), (self.needs_other, body.other)):
            if needs:
                found = both(found, partners.any(1))
        return Live(live.weight, both(live.present, found), both(live.alive, found))


def _partners(y: Tensor, alive: Tensor | None) -> Partners:
    equal = y.unsqueeze(1) == y.unsqueeze(0)
    living = ~torch.eye(len(y), dtype=torch.bool, device=y.device)
    if alive is not None:
        living = living & alive.unsqueeze(1) & alive.unsqueeze(0)
    return Partners(equal & living, ~equal & living)


@dataclass(frozen=True)
class ViewPairs(Embeddings):
    """Each item is a pair of embeddings of one thing; the other items are what it must be told from. There is no target."""

    def batch(self, where: str, x: Tensor, target: Any, options: Options, safe: tuple[float, float]) -> Batch:
        _accept_dims(where, x, 3, "(N, 2, D): two embeddings of each sample")
        if x.shape[1] != 2:
            accept.accept_row(where, x, 2, "two embeddings of each sample")
        if target is not None:
            raise UsageError(
                where=where,
                seen="a target was given",
                needed="two views of the same sample are each other's target",
                repair="Leave target out; for labels of samples use supcon.",
            )
        self.refuse(where, "ignore_index", options.ignore_index, "labels; mask leaves pairs out")
        self.refuse_labels(where, options)
        accept.accept_same_device(where, x, weight=options.weight, mask=options.mask)
        live = liveness(where, x.shape[:1], options, None)
        living = torch.ones(len(x), len(x), dtype=torch.bool, device=x.device)
        if live.alive is not None:
            x = torch.where(live.alive.reshape(-1, 1, 1), x, safe[0])
            itself = torch.eye(len(x), dtype=torch.bool, device=x.device)
            living = live.alive.unsqueeze(1) & live.alive.unsqueeze(0) | itself
        return Batch(x, Views(living), live)


def _accept_dims(where: str, x: Tensor, n: int, says: str) -> None:
    if x.dim() != n:
        raise ShapeError(
            where=where,
            seen=f"input has shape {tuple(x.shape)}",
            needed=f"{says} was needed",
            repair="input.flatten(1) or torch.stack([first, second], 1) may make it so; for one sample: input.unsqueeze(0).",
        )


def embeddings(*, needs_same: bool = True, needs_other: bool = False) -> Embeddings:
    """The kind of losses of labelled embeddings; needs: the partners without which an anchor has nothing to say."""
    says = "labels (N,), any whole numbers, beside an input (N, D)"
    return Embeddings("embeddings", says, is_coupled=True, needs_same=needs_same, needs_other=needs_other)


views = ViewPairs("views", "nothing: the input (N, 2, D) holds two views of each sample", is_coupled=True)


def unit(x: Tensor) -> Tensor:
    """Embeddings of length 1 along the last axis; one of length 0 stays 0, and its gradient is 0."""
    size = x.detach().abs().amax(-1, keepdim=True)
    x = x / torch.where(size > 0, size, 1.0)  # squares of 1e-30 and of 1e30 are both no float32
    squared = x.square().sum(-1, keepdim=True)
    return x * torch.where(squared > 0, squared, 1.0).rsqrt()


def products(a: Tensor, b: Tensor) -> Tensor:
    """Every row of a times every row of b, (N, N), in their own precision under autocast too."""
    if a.device.type == "meta":  # which autocast does not know
        return a @ b.mT
    with torch.autocast(a.device.type, enabled=False):
        return a @ b.mT


def among(values: Tensor, chosen: Tensor) -> Tensor:
    """values where chosen; elsewhere so low that its exponential is 0, and yet finite, so that no gradient is NaN."""
    return torch.where(chosen, values, torch.finfo(values.dtype).min / 4)


def distances(x: Tensor) -> Tensor:
    """Euclidean distances (N, N) of the rows, of full relative accuracy; the gradient at distance 0 is 0.

    Differences and not products: |a|^2 + |b|^2 - 2ab has lost all digits where a is near b, which is what training is about.
    """
    apart = x.unsqueeze(1) - x.unsqueeze(0)
    squared = apart.square().sum(-1)
    return torch.where(squared > 0, torch.where(squared > 0, squared, 1.0).sqrt(), 0.0)


# -- the same in plain numbers: what the losses of embeddings are tested against ------------------------------------------


def plain_distance(a: Any, b: Any) -> float:
    return math.dist(a, b)


def plain_cosine(a: Any, b: Any) -> float:
    return sum(s * t for s, t in zip(a, b)) / (math.hypot(*a) * math.hypot(*b))
