"""Dictionaries of tensors with a leading trial axis: stack, take, flatten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Tree = dict[str, Tensor]


def stack(trees: Sequence[Mapping[str, Tensor]]) -> Tree:
    """K dictionaries of (*) tensors -> one of (K, *)."""
    return {name: torch.stack([tree[name] for tree in trees]) for name in trees[0]}


def take(tree: Mapping[str, Tensor], trials: Sequence[int] | Tensor) -> Tree:
    """The rows of some trials, copied."""
    rows = torch.as_tensor(trials, dtype=torch.long)
    return {name: value.index_select(0, rows.to(value.device)) for name, value in tree.items()}


def row(tree: Mapping[str, Tensor], trial: int) -> Tree:
    """One trial's tensors, as views without the trial axis."""
    return {name: value[trial] for name, value in tree.items()}


def count_bytes(tree: Mapping[str, Tensor]) -> int:
    return sum(value.numel() * value.element_size() for value in tree.values())


@dataclass(frozen=True)
class Layout:
    """Where each tensor of a tree lies in one flat row of numbers."""

    shapes: tuple[tuple[str, torch.Size], ...]

    @staticmethod
    def of(tree: Mapping[str, Tensor]) -> Layout:
        """The layout of one trial's tree."""
        return Layout(tuple((name, value.shape) for name, value in tree.items()))

    @property
    def width(self) -> int:
        return sum(shape.numel() for _, shape in self.shapes)

    def views(self, flat: Tensor) -> Tree:
        """flat (K, P) -> views (K, *shape) that share its memory."""
        found, start = {}, 0
        for name, shape in self.shapes:
            found[name] = flat[:, start : start + shape.numel()].unflatten(1, shape) if shape else flat[:, start]
            start += shape.numel()
        return found
