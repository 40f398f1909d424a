"""The shape language "(N, C, *)": written once in a docstring, parsed, bound to sizes, and used to explain a mismatch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .errors import DeclarationError, ShapeError


@dataclass(frozen=True)
class Shape:
    """A pattern of axes: names (N, C), numbers (10), and at most one * for any number of axes, which must be the last."""

    axes: tuple[str, ...]
    open_end: bool

    def __str__(self) -> str:
        inner = ", ".join(self.axes + (("*",) if self.open_end else ()))
        return f"({inner},)" if len(self.axes) == 1 and not self.open_end else f"({inner})"

    def bind(self, sizes: Sequence[int], known: Mapping[str, int] | None = None) -> dict[str, int] | None:
        """The sizes of the named axes, or None when the sizes do not fit (or contradict `known`)."""
        if len(sizes) < len(self.axes) or (len(sizes) > len(self.axes) and not self.open_end):
            return None
        bound = dict(known or {})
        for axis, size in zip(self.axes, sizes):
            if axis.isdigit() and int(axis) != size:
                return None
            if not axis.isdigit() and bound.setdefault(axis, size) != size:
                return None
        return bound


def parse(text: str) -> Shape:
    """Read "(N, C, *)".

    >>> parse("(N, C, *)").bind((8, 3, 5, 5))
    {'N': 8, 'C': 3}
    >>> parse("(N, C)").bind((8,)) is None
    True
    """
    match = re.fullmatch(r"\s*\((.*)\)\s*", text)
    axes = [a.strip() for a in match.group(1).split(",") if a.strip()] if match else []
    open_end = bool(axes) and axes[-1] == "*"
    named = axes[:-1] if open_end else axes
    if match is None or not all(re.fullmatch(r"[A-Za-z]\w*|\d+", a) for a in named):
        raise DeclarationError(
            where="shape",
            seen=f"{text!r}",
            needed="axes in brackets, such as (N, C, *), were needed",
            repair="Names, numbers, and at most one * at the end.",
        )
    return Shape(tuple(named), open_end)


def mismatch(where: str, input_shape: Sequence[int], target_shape: Sequence[int]) -> ShapeError:
    """The error for two shapes that must be equal, with the reshape that would make them so."""
    a, b = tuple(input_shape), tuple(target_shape)
    pairs = _broadcast_count(a, b)
    size = max(_count(a), _count(b))
    silently = f"Broadcasting would average {pairs} pairs instead of {size}." if pairs and pairs > size else ""
    return ShapeError(
        where=where,
        seen=f"input has shape {a} and target {b}",
        needed="they must be equal",
        consequence=silently,
        repair=_repair(a, b),
    )


def _count(shape: tuple[int, ...]) -> int:
    n = 1
    for size in shape:
        n *= size
    return n


def _broadcast_count(a: tuple[int, ...], b: tuple[int, ...]) -> int | None:
    length = max(len(a), len(b))
    a, b = (1,) * (length - len(a)) + a, (1,) * (length - len(b)) + b
    if any(x != y and 1 not in (x, y) for x, y in zip(a, b)):
        return None
    return _count(tuple(max(x, y) for x, y in zip(a, b)))


def _repair(a: tuple[int, ...], b: tuple[int, ...]) -> str:
    if _count(a) == _count(b):
        return f"Did you mean target.reshape({', '.join(map(str, a))})?"
    if a and b and a[0] != b[0]:
        return f"input has {a[0]} samples and target {b[0]}: were they cut from different batches?"
    return "Does the model give as many outputs per sample as the target has values?"
