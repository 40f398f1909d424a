"""The program as a graph of torch's calls: which results went into which. No torch is needed to read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from .place import Place

PASSES = frozenset(
    "view reshape squeeze squeeze_ unsqueeze unsqueeze_ flatten contiguous float double half to type type_as clone permute transpose "
    "t T mT movedim swapaxes getitem cpu cuda detach expand expand_as view_as reshape_as unflatten narrow select chunk split unbind "
    "data requires_grad_ numpy bfloat16 ravel pin_memory swapdims index_select alias".split()
)
"""Operations that hand the same numbers on, in another shape or type."""
SOFTMAX = frozenset({"softmax", "gumbel_softmax", "softmin"})
SIGMOID = frozenset({"sigmoid", "hardsigmoid"})


class Ref:
    """A tensor argument: the operation that made it (None for a leaf), the tensor while it is kept, and its shape."""

    __slots__ = ("op", "tensor", "shape", "dtype")

    def __init__(self, op: Op | None, tensor: Tensor | None, shape: tuple[int, ...], dtype: torch.dtype) -> None:
        self.op: Any = op
        self.tensor: Any = tensor
        self.shape, self.dtype = shape, dtype


class Op:
    """One call: canonical name, arguments with their origins, what came out, where it stands in the program."""

    __slots__ = ("name", "func", "args", "kwargs", "out", "place", "module", "grad", "step", "used", "index", "in_place",
                 "chain")  # fmt: skip

    def __init__(self, name: str, func: Any, args: Any, kwargs: Any, place: Place, module: Any, step: int, index: int,
                 grad: bool) -> None:  # fmt: skip
        self.name, self.func, self.args, self.kwargs = name, func, args, kwargs
        self.place, self.module, self.step, self.index = place, module, step, index
        self.grad = grad
        self.out: Any = None
        self.used = 0
        self.in_place = False
        self.chain = (0, -1)

    def refs(self) -> Iterator[Ref]:
        """The tensor arguments, in order."""
        yield from _refs((self.args, self.kwargs))

    def ref(self, position: int, name: str = "") -> Ref | None:
        found = self.value(position, name)
        return found if isinstance(found, Ref) else None

    def value(self, position: int, name: str = "", default: Any = None) -> Any:
        """An argument by position or name."""
        if name and name in self.kwargs:
            return self.kwargs[name]
        return self.args[position] if 0 <= position < len(self.args) else default

    def tensor(self, position: int, name: str = "") -> Any:
        ref = self.ref(position, name)
        return ref.tensor if ref else None

    @property
    def out_shape(self) -> tuple[int, ...]:
        ref = self.out[0] if self.out else None
        return ref.shape if ref else ()

    @property
    def out_tensor(self) -> Any:
        return self.out[0].tensor if self.out else None


def _refs(value: Any) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, (list, tuple)):
        for v in value:
            yield from _refs(v)
    elif isinstance(value, dict):
        for v in value.values():
            yield from _refs(v)


def origin(ref: Ref | None) -> Op | None:
    """The call whose numbers these are: shape and type changes are stepped over."""
    op = ref.op if ref else None
    while op is not None and op.name in PASSES:
        first = next(op.refs(), None)
        op = first.op if first else None
    return op


def leaf(ref: Ref | None) -> Ref | None:
    """The first tensor behind shape and type changes: itself when it is no result of a call."""
    while ref is not None and ref.op is not None and ref.op.name in PASSES:
        first = next(ref.op.refs(), None)
        if first is None:
            return ref
        ref = first
    return ref


RESHAPES = frozenset("view reshape flatten contiguous long to transpose permute ravel t clone cpu cuda type".split())


def unflattened(ref: Ref | None) -> Ref | None:
    """The tensor before it was flattened: shapes are stepped over, selections are not."""
    while ref is not None and ref.op is not None and ref.op.name in RESHAPES:
        first = next(ref.op.refs(), None)
        if first is None or (len(first.shape) < 2 <= len(ref.shape)):
            return ref
        ref = first
    return ref


def ancestors(op: Op | None, limit: int = 20_000) -> Iterator[Op]:
    """The call and all calls before it, each once."""
    stack: list[Op] = [op] if op else []
    seen: set[int] = set()
    while stack and len(seen) < limit:
        at = stack.pop()
        if id(at) in seen:
            continue
        seen.add(id(at))
        yield at
        stack += [r.op for r in at.refs() if r.op is not None and id(r.op) not in seen]


def is_outer(op: Op) -> bool:
    """(N,) with (N, 1), or (N, H, W) with (N, 1, H, W): one axis too many on one side, and a result larger than both."""
    pair = [r.shape for r in op.refs()][:2]
    if len(pair) < 2:
        return False
    short, long = sorted(pair, key=len)
    if len(long) != len(short) + 1 or not short or short[0] < 2 or long[0] != short[0]:
        return False
    return long[1] == 1 and (len(short) == 1 or long[2:] == short[1:])
