"""Dictionaries of tensors with a leading trial axis: stack, take, flatten; and numbers that differ from trial to trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


class PerTrial:
    """One float64 number per trial, shape (K, 1), that behaves as a Python float does beside a tensor of any dtype.

    A float64 tensor would widen a float32 tensor that it multiplies; a float32 tensor would lose 1 - 0.999**t at t = 1
    (relative error 6e-5). So numbers among themselves stay float64, and meet a tensor in the tensor's own dtype.
    """

    __slots__ = ("value",)

    def __init__(self, value: Tensor) -> None:
        self.value = value

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        like = _widest([*args, *(kwargs or {}).values()])
        return func(*(_beside(a, like) for a in args), **{k: _beside(a, like) for k, a in (kwargs or {}).items()})

    def __add__(self, other: Any) -> Any:
        return _number(torch.add, self, other)

    def __sub__(self, other: Any) -> Any:
        return _number(torch.sub, self, other)

    def __mul__(self, other: Any) -> Any:
        return _number(torch.mul, self, other)

    def __truediv__(self, other: Any) -> Any:
        return _number(torch.true_divide, self, other)

    def __pow__(self, other: Any) -> Any:
        return _number(torch.pow, self, other)

    def __rpow__(self, other: Any) -> Any:
        return _number(torch.pow, other, self)

    def __radd__(self, other: Any) -> Any:
        return _number(torch.add, other, self)

    def __rsub__(self, other: Any) -> Any:
        return _number(torch.sub, other, self)

    def __rmul__(self, other: Any) -> Any:
        return _number(torch.mul, other, self)

    def __rtruediv__(self, other: Any) -> Any:
        return _number(torch.true_divide, other, self)

    def __neg__(self) -> PerTrial:
        return PerTrial(-self.value)


def _widest(values: Sequence[Any]) -> Tensor | None:
    return next((v for v in values if isinstance(v, Tensor)), None)


def _beside(value: Any, like: Tensor | None) -> Any:
    if not isinstance(value, PerTrial):
        return value
    return value.value if like is None else value.value.to(like.device, like.dtype)


def _number(op: Callable[..., Tensor], a: Any, b: Any) -> Any:
    """A number with a number is a number; a number with a tensor is a tensor of its dtype."""
    like = _widest([a, b])
    if like is not None:
        return op(_beside(a, like), _beside(b, like))
    raw = [v.value if isinstance(v, PerTrial) else v for v in (a, b)]
    return PerTrial(op(*raw))
