"""Lists of scores: an item is a list whose entries are to be put in order; a mask may leave entries out."""

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
class Lists:
    """relevance (N, L): the greater, the further up an entry belongs. living (N, L): the entries that count."""

    relevance: Tensor
    living: Tensor

    def pairs(self) -> Tensor:
        """(N, L, L): the first entry belongs above the second, and both count."""
        above = self.relevance.unsqueeze(2) > self.relevance.unsqueeze(1)
        return above & self.living.unsqueeze(2) & self.living.unsqueeze(1)


@dataclass(frozen=True)
class RankedLists(TargetKind):
    """A mask (N,) leaves lists out, one of (N, L) entries. needs_pairs: a list without two entries of different relevance is no item."""

    needs_pairs: bool = False

    def items(self, x: Tensor) -> torch.Size:
        return x.shape[:1]

    def batch(self, where: str, x: Tensor, target: Any, options: Options, safe: tuple[float, float]) -> Batch:
        _accept_lists(where, x)
        self.refuse(where, "class_weight", options.class_weight, "classes")
        if options.is_smoothed:
            self.refuse(where, "label_smoothing", options.smoothing, "labels")
        y = accept.accept_equal_target(where, x, target, self.says)
        accept.accept_same_device(where, x, target=y, weight=options.weight, mask=options.mask)
        weight = accept.accept_left_aligned(where, "weight", options.weight, x.shape[:1])
        live = liveness(where, x.shape, Options(weight, options.mask), ignored(y, options.ignore_index))
        living = torch.ones_like(x, dtype=torch.bool)
        if live.alive is not None:
            living = live.alive.expand(x.shape)
            x, y = torch.where(living, x, safe[0]), torch.where(living, y, safe[1])
        body = Lists(y, living)
        present = None if live.present is None else live.present.expand(x.shape).any(1)
        alive = None if live.alive is None else living.any(1)
        if self.needs_pairs:
            found = body.pairs().flatten(1).any(1)
            counted = found if weight is None else found | (weight == 0)  # such a list counts, and was not looked at
            present, alive = both(present, counted), both(alive, found)
        return Batch(x, body, Live(weight, present, alive))


def _accept_lists(where: str, x: Tensor) -> None:
    if x.dim() != 2:
        raise ShapeError(
            where=where,
            seen=f"input has shape {tuple(x.shape)}",
            needed="(N, L) was needed: L scores for each of N lists",
            repair="For one list: input.unsqueeze(0) and target.unsqueeze(0).",
        )


def ranked_lists(*, needs_pairs: bool) -> RankedLists:
    """The kind of losses of lists of scores."""
    return RankedLists("lists", "relevances of the input's shape (N, L)", needs_pairs=needs_pairs)


def plain_pairs(relevances: list[float]) -> list[tuple[int, int]]:
    """Places of entries of which the first belongs above the second, in plain numbers: for the forms that tests compare with."""
    places = range(len(relevances))
    return [(i, j) for i in places for j in places if relevances[i] > relevances[j]]
