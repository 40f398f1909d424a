"""What bodies ask of a whole tensor: its sum, its norm, its size; answered too where the tensor comes in pieces.

A body is written as if it saw all of a tensor. Of a large one it is given piece after piece: once for each sum that it
asks for, on copies and no further than there, then in earnest with all sums known. So a step holds one piece at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function_unary


class NotKnownYet(Exception):
    """A body asks for a sum over pieces that have not all been seen."""


class Sums:
    """The sums over a parameter of K trials that comes in pieces, in the order in which bodies ask for them.

    size: the entries of one trial's parameter.

    >>> import torch
    >>> sums, pieces = Sums(4), torch.tensor([[1.0, 2.0, 3.0, 4.0]]).split(2, 1)
    >>> for piece in pieces:
    ...     with sums.growing():
    ...         total(piece)
    >>> sums.close()
    >>> for piece in pieces:
    ...     with sums.known():
    ...         print(total(piece).item())
    10.0
    10.0
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._known: list[Tensor] = []
        self._next: Tensor | None = None
        self._asked = 0

    @contextmanager
    def known(self) -> Iterator[None]:
        """Here bodies see one piece, and the sums of all."""
        self._asked = 0
        before = _PIECES.set(self)
        try:
            yield
        finally:
            _PIECES.reset(before)

    @contextmanager
    def growing(self) -> Iterator[None]:
        """The same, left where the next sum is asked for: this piece is added to it."""
        try:
            with self.known():
                yield
        except NotKnownYet:
            pass

    def close(self) -> None:
        """All pieces have been seen: the sum that grew is known."""
        if self._next is not None:
            self._known.append(self._next)
        self._next = None

    def of_all(self, own: Tensor) -> Tensor:
        """The sum over all pieces, (K,), from that over this one."""
        self._asked += 1
        if self._asked <= len(self._known):
            return self._known[self._asked - 1]
        own = own.double()
        self._next = own if self._next is None else self._next + own
        raise NotKnownYet


_PIECES: ContextVar[Sums | None] = ContextVar("pieces", default=None)


def total(x: Tensor) -> Tensor:
    """The sum of each trial's tensor (K, *), (K, 1, ..., 1)."""
    own, pieces = x.flatten(1).sum(1), _PIECES.get()
    if pieces is not None:
        own = pieces.of_all(own).to(x.dtype)
    return own.view(-1, *[1] * (x.dim() - 1))


def size(x: Tensor) -> int:
    """The entries of one trial's tensor."""
    pieces = _PIECES.get()
    return x[0].numel() if pieces is None else pieces.size


def norm(x: Tensor) -> Tensor:
    """The Euclidean norm of each trial's tensor, (K, 1, ..., 1). Recorded as one operation."""
    if has_torch_function_unary(x):
        return handle_torch_function(norm, (x,), x)
    own, pieces = x.reshape(len(x), -1).norm(dim=1), _PIECES.get()
    if pieces is not None:
        own = pieces.of_all(own.double().square()).sqrt().to(x.dtype)
    return own.view(-1, *[1] * (x.dim() - 1))
