"""Tensors of 106 bits that a loss body takes for tensors: each number a sum of two float64, with a gradient of its own.

A body is called with Pairs where it expects tensors; torch hands its functions back through __torch_function__. Structure
(indexing, shapes) is torch's own on both halves, arithmetic is pairs.cpp. What a Pair does not know raises Unknown, and the
caller computes with plain tensors.
"""

from __future__ import annotations

import ctypes
import heapq
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from .compiled import library

ADD, SUB, MUL, DIV, POW, ATAN2 = range(6)
EXP, EXPM1, LOG, LOG1P, SQRT, SOFTPLUS, SIGMOID, TANH, SINH, COSH, ERF, LGAMMA, SIN, COS = range(10, 24)
ROW_SUMS = 100

MOST = 2**13
"""Entries of a result; a body that makes more of a small input (all pairs, all triples) is left to plain tensors."""

Pull = Callable[["Pair"], "Pair"]
"""From the gradient of a result to its share in that of one source."""

_births = itertools.count()


class Unknown(Exception):
    """A function of tensors that pairs do not have."""


def is_available() -> bool:
    return _function() is not None


def _function() -> Any:
    built = library("pairs", "double")
    if built is None:
        return None
    found = built.pairs
    if found.argtypes is None:
        found.argtypes, found.restype = (*(ctypes.c_int64,) * 4, *(ctypes.c_void_p,) * 6), None
    return found


class Pair:
    """high + low, both float64 tensors of one shape; low None stands for zeros. sources: what it was made of, for the gradient."""

    __slots__ = ("birth", "high", "low", "sources")

    def __init__(self, high: Tensor, low: Tensor | None = None, *sources: tuple[Pair, Pull], is_variable: bool = False):
        self.high, self.low = high, low
        self.sources: list[tuple[Pair, Pull]] = [source for source in sources if source[0].birth is not None]
        self.birth: int | None = next(_births) if self.sources or is_variable else None

    # -- what a tensor says of itself --------------------------------------------------------------------------------------

    shape = property(lambda self: self.high.shape)
    dtype = property(lambda self: self.high.dtype)
    device = property(lambda self: self.high.device)
    ndim = property(lambda self: self.high.dim())
    mT = property(lambda self: self._moved(lambda x: x.mT))
    T = property(lambda self: self._moved(lambda x: x.T))

    def dim(self) -> int:
        return self.high.dim()

    def numel(self) -> int:
        return self.high.numel()

    def size(self, *dim: int) -> Any:
        return self.high.size(*dim)

    def __len__(self) -> int:
        return len(self.high)

    def is_floating_point(self) -> bool:
        return True

    def new_zeros(self, *shape: Any, **_: Any) -> Tensor:
        return self.high.new_zeros(*shape)

    def new_ones(self, *shape: Any, **_: Any) -> Tensor:
        return self.high.new_ones(*shape)

    def new_full(self, shape: Any, value: float, **_: Any) -> Tensor:
        return self.high.new_full(shape, value)

    def beside(self, value: Any) -> Pair:
        """Numbers of a hyperparameter as a Pair."""
        if isinstance(value, (Pair, Tensor)):
            return lifted(value)
        return Pair(torch.as_tensor(value, dtype=self.dtype, device=self.device))

    def pi(self) -> Pair:
        return Pair(self.high.new_tensor(math.pi), self.high.new_tensor(1.2246467991473532e-16))

    def detach(self) -> Pair:
        return Pair(self.high, self.low)

    def clone(self) -> Pair:
        return self

    contiguous = double = clone

    def to(self, dtype: torch.dtype) -> Any:
        return self if dtype is torch.float64 else self.high.to(dtype)

    def float(self) -> Tensor:
        """Where a body looks for a rough start."""
        return self.high.float()

    def __bool__(self) -> bool:
        return bool(self.high)

    # -- structure ---------------------------------------------------------------------------------------------------------

    def halves(self) -> tuple[Tensor, Tensor]:
        return self.high, torch.zeros_like(self.high) if self.low is None else self.low

    def _moved(self, move: Callable[[Tensor], Tensor], repeats: bool = False) -> Pair:
        """Entries elsewhere: `move` acts on both halves. repeats: an entry may come more than once, which has no gradient here."""
        low = None if self.low is None else move(self.low)
        if self.birth is None:
            return Pair(move(self.high), low)
        if repeats:
            raise Unknown("a gradient through repeated entries")
        shape = self.shape
        at = move(torch.arange(self.numel(), device=self.device).reshape(shape)).flatten()

        def pull(g: Pair) -> Pair:
            return g._both(lambda half: half.new_zeros(shape).flatten().scatter(0, at, half.flatten()).reshape(shape))

        return Pair(move(self.high), low, (self, pull))

    def _both(self, function: Callable[[Tensor], Tensor]) -> Pair:
        """A linear function of each half, without a gradient."""
        return Pair(function(self.high), None if self.low is None else function(self.low))

    def reshape(self, *shape: Any) -> Pair:
        return self._moved(lambda x: x.reshape(*shape))

    def flatten(self, *dims: Any) -> Pair:
        return self._moved(lambda x: x.flatten(*dims))

    def unsqueeze(self, dim: int) -> Pair:
        return self._moved(lambda x: x.unsqueeze(dim))

    def squeeze(self, *dims: Any) -> Pair:
        return self._moved(lambda x: x.squeeze(*dims))

    def movedim(self, source: Any, destination: Any) -> Pair:
        return self._moved(lambda x: x.movedim(source, destination))

    def transpose(self, a: int, b: int) -> Pair:
        return self._moved(lambda x: x.transpose(a, b))

    def permute(self, *dims: Any) -> Pair:
        return self._moved(lambda x: x.permute(*dims))

    def narrow(self, dim: int, start: int, length: int) -> Pair:
        return self._moved(lambda x: x.narrow(dim, start, length))

    def select(self, dim: int, index: int) -> Pair:
        return self._moved(lambda x: x.select(dim, index))

    def diagonal(self, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Pair:
        return self._moved(lambda x: x.diagonal(offset, dim1, dim2))

    def flip(self, *dims: Any) -> Pair:
        return self._moved(lambda x: x.flip(*dims))

    def unbind(self, dim: int = 0) -> list[Pair]:
        return [self.select(dim, k) for k in range(self.shape[dim])]

    def __getitem__(self, index: Any) -> Pair:
        parts = index if isinstance(index, tuple) else (index,)
        repeats = any(isinstance(part, (Tensor, list)) for part in parts)
        return self._moved(lambda x: x[index], repeats)

    def expand(self, *shape: Any) -> Pair:
        own = self.shape
        made = self._both(lambda half: half.expand(*shape))
        return Pair(made.high, made.low, (self, lambda g: g._shrunk(own)))

    def expand_as(self, other: Any) -> Pair:
        return self.expand(other.shape)

    def _shrunk(self, shape: Sequence[int]) -> Pair:
        """The sum over the axes along which this shape was stretched."""
        x: Pair = self
        while x.dim() > len(shape):
            x = x.sum(0)
        for dim, size in enumerate(shape):
            if x.shape[dim] != size:
                x = x.sum(dim, keepdim=True)
        return x

    def gather(self, dim: int, index: Tensor) -> Pair:
        def pull(g: Pair) -> Pair:
            total = Pair(torch.zeros_like(self.high))
            for k in range(index.shape[dim]):  # one entry of each line at a time: several may read the same one
                at, part = index.narrow(dim, k, 1), g.narrow(dim, k, 1)
                total = total + part._both(lambda half, at=at: torch.zeros_like(self.high).scatter(dim, at, half))  # type: ignore[misc]
            return total

        made = self._both(lambda half: half.gather(dim, index))
        return Pair(made.high, made.low, (self, pull))

    def scatter(self, dim: int, index: Tensor, src: Any) -> Pair:
        if not isinstance(src, (Pair, Tensor)):
            src = torch.full(index.shape, float(src), dtype=self.dtype, device=self.device)
        other, (high, low) = lifted(src), self.halves()
        first, second = other.halves()
        return Pair(
            high.scatter(dim, index, first),
            low.scatter(dim, index, second),
            (self, lambda g: g._both(lambda half: half.scatter(dim, index, 0.0))),
            (other, lambda g: g._both(lambda half: half.gather(dim, index))),
        )

    # -- arithmetic --------------------------------------------------------------------------------------------------------

    def __neg__(self) -> Pair:
        made = self._both(torch.neg)
        return Pair(made.high, made.low, (self, lambda g: -g))

    def __add__(self, other: Any) -> Pair:
        a, b = self, lifted(other)
        return _binary(ADD, a, b, lambda g: g, lambda g: g)

    def __sub__(self, other: Any) -> Pair:
        a, b = self, lifted(other)
        return _binary(SUB, a, b, lambda g: g, lambda g: -g)

    def __rsub__(self, other: Any) -> Pair:
        return lifted(other) - self

    def __mul__(self, other: Any) -> Pair:
        a, b = self, lifted(other)
        x, y = a.detach(), b.detach()
        return _binary(MUL, a, b, lambda g: g * y, lambda g: g * x)

    def __truediv__(self, other: Any) -> Pair:
        a, b = self, lifted(other)
        x, y = a.detach(), b.detach()
        return _binary(DIV, a, b, lambda g: g / y, lambda g: -(g * x / y / y))

    def __rtruediv__(self, other: Any) -> Pair:
        return lifted(other) / self

    def __pow__(self, exponent: Any) -> Pair:
        if isinstance(exponent, (int, float)) and exponent == 2:
            return self * self
        if isinstance(exponent, (int, float)) and exponent == 1:
            return self
        a, b = self, lifted(exponent)
        if b.birth is not None:
            raise Unknown("the gradient of a power by its exponent")
        x = a.detach()
        return _binary(POW, a, b, lambda g: g * where(b == 0, 0.0, b * x ** (b - 1)), lambda g: g)

    def __rpow__(self, base: Any) -> Pair:
        return lifted(base) ** self

    def __matmul__(self, other: Any) -> Pair:
        return (self.unsqueeze(1) * lifted(other).mT.unsqueeze(0)).sum(-1)

    def __rmatmul__(self, other: Any) -> Pair:
        return lifted(other) @ self

    __radd__, __rmul__ = __add__, __mul__
    neg, add, sub, mul, div, pow = __neg__, __add__, __sub__, __mul__, __truediv__, __pow__
    true_divide, rsub, multiply, subtract, matmul, mm = __truediv__, __rsub__, __mul__, __sub__, __matmul__, __matmul__

    def atan2(self, other: Any) -> Pair:
        a, b = self, lifted(other)
        y, x = a.detach(), b.detach()
        square = x * x + y * y
        return _binary(ATAN2, a, b, lambda g: g * x / square, lambda g: -(g * y / square))

    def square(self) -> Pair:
        return self * self

    def reciprocal(self) -> Pair:
        return 1.0 / self

    def exp(self) -> Pair:
        return _unary(EXP, self, lambda g, x, y: g * y)

    def expm1(self) -> Pair:
        return _unary(EXPM1, self, lambda g, x, y: g * x.exp())

    def log(self) -> Pair:
        return _unary(LOG, self, lambda g, x, y: g / x)

    def log1p(self) -> Pair:
        return _unary(LOG1P, self, lambda g, x, y: g / (1.0 + x))

    def sqrt(self) -> Pair:
        return _unary(SQRT, self, lambda g, x, y: g / (y + y))

    def rsqrt(self) -> Pair:
        return 1.0 / self.sqrt()

    def softplus(self, beta: Any = 1.0, threshold: Any = 20.0) -> Pair:
        if beta != 1.0:
            raise Unknown("softplus with beta")
        return _unary(SOFTPLUS, self, lambda g, x, y: g * x.sigmoid())

    def sigmoid(self) -> Pair:
        return _unary(SIGMOID, self, lambda g, x, y: g * y * (-x).sigmoid())

    def logsigmoid(self) -> Pair:
        return -(-self).softplus()

    def tanh(self) -> Pair:
        return _unary(TANH, self, lambda g, x, y: g * 4.0 * (x + x).sigmoid() * (-x - x).sigmoid())

    def sinh(self) -> Pair:
        return _unary(SINH, self, lambda g, x, y: g * x.cosh())

    def cosh(self) -> Pair:
        return _unary(COSH, self, lambda g, x, y: g * x.sinh())

    def erf(self) -> Pair:
        return _unary(ERF, self, lambda g, x, y: g * 2.0 / x.pi().sqrt() * (-(x * x)).exp())

    def lgamma(self) -> Pair:
        return _unary(LGAMMA, self, None)

    def sin(self) -> Pair:
        return _unary(SIN, self, lambda g, x, y: g * x.cos())

    def cos(self) -> Pair:
        return _unary(COS, self, lambda g, x, y: -g * x.sin())

    def abs(self) -> Pair:
        sign = self.high.sign()
        made = self._both(lambda half: half * torch.where(sign == 0, 1.0, sign))
        return Pair(made.high, made.low, (self, lambda g: g._both(lambda half: half * sign)))

    def sign(self) -> Tensor:
        return self.high.sign()

    def relu(self) -> Pair:
        return where(self.high > 0, self, 0.0)

    def clamp(self, min: Any = None, max: Any = None) -> Pair:
        x = self
        if min is not None:
            x = where(x < min, min, x)
        return x if max is None else where(x > max, max, x)

    def clip(self, min: Any = None, max: Any = None) -> Pair:
        return self.clamp(min, max)

    def clamp_min(self, min: Any) -> Pair:
        return self.clamp(min)

    def maximum(self, other: Any) -> Pair:
        return -(-self).minimum(-lifted(other))

    def minimum(self, other: Any) -> Pair:
        other = lifted(other)
        return where(self == other, (self + other) / 2, where(self < other, self, other))

    def lerp(self, end: Any, weight: Any) -> Pair:
        return self + lifted(weight) * (lifted(end) - self)

    def xlogy(self, other: Any) -> Pair:
        is_zero = self.high == 0
        return where(is_zero, 0.0, self * where(is_zero, 1.0, lifted(other)).log())

    # -- comparisons -------------------------------------------------------------------------------------------------------

    def __lt__(self, other: Any) -> Tensor:  # type: ignore[override]
        (a, b), (c, d) = self.halves(), lifted(other).halves()
        return (a < c) | ((a == c) & (b < d))

    def __gt__(self, other: Any) -> Tensor:  # type: ignore[override]
        return lifted(other) < self

    def __le__(self, other: Any) -> Tensor:  # type: ignore[override]
        return ~(self > other)

    def __ge__(self, other: Any) -> Tensor:  # type: ignore[override]
        return ~(self < other)

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        (a, b), (c, d) = self.halves(), lifted(other).halves()
        return (a == c) & (b == d)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return ~(self == other)

    __hash__ = object.__hash__
    lt, gt, le, ge, eq, ne = __lt__, __gt__, __le__, __ge__, __eq__, __ne__

    def isfinite(self) -> Tensor:
        return self.high.isfinite()

    def argmax(self, dim: int, keepdim: bool = False) -> Tensor:
        high, low = self.halves()
        top = high.amax(dim, keepdim=True)
        return torch.where(high == top, low, -torch.inf).argmax(dim, keepdim)

    def argsort(self, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
        return self.high.argsort(dim=dim, descending=descending, stable=stable)

    def sort(self, dim: int = -1, descending: bool = False) -> Any:
        order = self.argsort(dim, descending, stable=True)
        return torch.return_types.sort((self.gather(dim, order), order))  # type: ignore[arg-type]

    # -- along an axis -----------------------------------------------------------------------------------------------------

    def sum(self, dim: Any = None, keepdim: bool = False) -> Pair:
        shape, n_dims = self.shape, self.dim()
        axes = range(n_dims) if dim is None else dim if isinstance(dim, (tuple, list)) else (dim,)
        axes = sorted(axis % n_dims for axis in axes) if n_dims else []
        kept = [1 if k in axes else size for k, size in enumerate(shape)]
        made = _row_sums(self, axes).reshape(kept)
        spread = Pair(made.high, made.low, (self, lambda g: g.expand(shape)))
        return spread if keepdim else spread.reshape([size for k, size in enumerate(shape) if k not in axes])

    def mean(self, dim: Any = None, keepdim: bool = False) -> Pair:
        total = self.sum(dim, keepdim)
        return total / (self.numel() / max(total.numel(), 1))

    def max(self, dim: int, keepdim: bool = False) -> Any:
        at = self.argmax(dim, keepdim=True)
        top = self.gather(dim, at)
        return torch.return_types.max((top, at) if keepdim else (top.squeeze(dim), at.squeeze(dim)))  # type: ignore[arg-type]

    def amax(self, dim: int | None = None, keepdim: bool = False) -> Pair:
        return self.flatten().amax(0) if dim is None else self.max(dim, keepdim).values  # type: ignore[no-any-return]

    def amin(self, dim: int | None = None, keepdim: bool = False) -> Pair:
        return -(-self).amax(dim, keepdim)

    def logsumexp(self, dim: int, keepdim: bool = False) -> Pair:
        top = self.detach().amax(dim, keepdim=True)
        at = self.detach().argmax(dim, keepdim=True)
        shifted = self - top
        others = shifted.exp().scatter(dim, at, 0.0).sum(dim, keepdim=True)
        value = shifted.gather(dim, at).exp() - 1.0 + others
        found = value.log1p() + top
        return found if keepdim else found.squeeze(dim)

    def softmax(self, dim: int) -> Pair:
        e = (self - self.detach().amax(dim, keepdim=True)).exp()
        return e / e.sum(dim, keepdim=True)

    def log_softmax(self, dim: int) -> Pair:
        return self - self.logsumexp(dim, keepdim=True)

    def cumsum(self, dim: int) -> Pair:
        return stack(list(itertools.accumulate(self.unbind(dim))), dim)

    # -- torch's functions -------------------------------------------------------------------------------------------------

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = func.__name__, kwargs or {}
        if name in FREE:
            return FREE[name](*args, **kwargs)
        method = getattr(cls, name, None)
        if method is None or not args:
            raise Unknown(name)
        return method(lifted(args[0]), *args[1:], **kwargs)

    def __getattr__(self, name: str) -> Any:
        raise Unknown(name)


def lifted(value: Any) -> Pair:
    """A number or a tensor as a Pair; a Pair as it is."""
    if isinstance(value, Pair):
        return value
    if isinstance(value, Tensor):
        return Pair(value.to(torch.float64))
    return Pair(torch.tensor(float(value), dtype=torch.float64))


def variable(x: Tensor) -> Pair:
    """A Pair whose gradient will be asked for."""
    return Pair(x, None, is_variable=True)


def where(condition: Tensor, a: Any, b: Any) -> Pair:
    a, b = lifted(a), lifted(b)
    (ah, al), (bh, bl) = a.halves(), b.halves()
    return Pair(
        torch.where(condition, ah, bh),
        torch.where(condition, al, bl),
        (a, lambda g: g._both(lambda half: torch.where(condition, half, 0.0))._shrunk(a.shape)),
        (b, lambda g: g._both(lambda half: torch.where(condition, 0.0, half))._shrunk(b.shape)),
    )


def cat(pieces: Sequence[Any], dim: int = 0) -> Pair:
    pairs = [lifted(piece) for piece in pieces]
    halves = [pair.halves() for pair in pairs]
    starts = [0, *itertools.accumulate(pair.shape[dim] for pair in pairs)]
    return Pair(
        torch.cat([high for high, _ in halves], dim),
        torch.cat([low for _, low in halves], dim),
        *((pair, _narrower(dim, start, pair.shape[dim])) for pair, start in zip(pairs, starts)),
    )


def _narrower(dim: int, start: int, length: int) -> Pull:
    return lambda g: g.narrow(dim, start, length)


def stack(pieces: Sequence[Any], dim: int = 0) -> Pair:
    return cat([lifted(piece).unsqueeze(dim) for piece in pieces], dim)


FREE: dict[str, Callable[..., Any]] = {
    "where": where,
    "cat": cat,
    "stack": stack,
    "zeros_like": lambda x, **_: torch.zeros_like(x.high),
    "ones_like": lambda x, **_: torch.ones_like(x.high) if _.get("dtype") is None else torch.ones_like(x.high, **_),
    "full_like": lambda x, value, **_: torch.full_like(x.high, value),
    "scalar_tensor": lambda value, **_: lifted(value),
}
"""Functions of torch whose first argument is no tensor of numbers, or whose result is plain."""


# -- calls of the compiled functions ------------------------------------------------------------------------------------------


def _address(half: Tensor | None) -> int | None:
    return None if half is None else half.data_ptr()


def _unary(code: int, x: Pair, slope: Callable[[Pair, Pair, Pair], Pair] | None) -> Pair:
    if x.numel() > MOST:
        raise Unknown("so many entries")
    a, b = x.high.contiguous(), None if x.low is None else x.low.contiguous()
    high, low = torch.empty_like(a), torch.empty_like(a)
    _function()(code, a.numel(), 1, 1, a.data_ptr(), _address(b), a.data_ptr(), None, high.data_ptr(), low.data_ptr())
    if x.birth is None:
        return Pair(high, low)
    if slope is None:
        raise Unknown("a gradient")
    still, made = x.detach(), Pair(high, low)
    return Pair(high, low, (x, lambda g: slope(g, still, made)))


def _binary(code: int, a: Pair, b: Pair, by_a: Pull, by_b: Pull) -> Pair:
    shape = a.shape if a.shape == b.shape else torch.broadcast_shapes(a.shape, b.shape)
    if math.prod(shape) > MOST:
        raise Unknown("so many entries")
    (ah, al, a_step), (bh, bl, b_step) = _laid_out(a, shape), _laid_out(b, shape)
    high, low = ah.new_empty(shape), ah.new_empty(shape)
    _function()(
        code, high.numel(), a_step, b_step, ah.data_ptr(), _address(al), bh.data_ptr(), _address(bl), high.data_ptr(),
        low.data_ptr(),
    )  # fmt: skip
    return Pair(high, low, (a, lambda g: by_a(g)._shrunk(a.shape)), (b, lambda g: by_b(g)._shrunk(b.shape)))


def _laid_out(x: Pair, shape: torch.Size) -> tuple[Tensor, Tensor | None, int]:
    """Both halves in a row, and the step from entry to entry: 0 for a single number."""
    if x.high.numel() == 1:
        return x.high, x.low, 0
    if x.shape == shape:
        return x.high.contiguous(), None if x.low is None else x.low.contiguous(), 1
    return x.high.expand(shape).contiguous(), None if x.low is None else x.low.expand(shape).contiguous(), 1


def _row_sums(x: Pair, axes: list[int]) -> Pair:
    """Sums over these axes, flat."""
    last = list(range(-len(axes), 0))
    n = math.prod(x.shape[axis] for axis in axes)
    a, b = (half.movedim(axes, last).reshape(-1, n).contiguous() if n else half for half in x.halves())
    rows = math.prod(size for k, size in enumerate(x.shape) if k not in axes)
    high, low = a.new_zeros(rows), a.new_zeros(rows)
    if n:
        _function()(ROW_SUMS, rows, n, 0, a.data_ptr(), b.data_ptr(), None, None, high.data_ptr(), low.data_ptr())
    return Pair(high, low)


# -- the gradient -------------------------------------------------------------------------------------------------------------


def slope(values: Pair, outer: Tensor, x: Pair) -> Tensor:
    """The gradient of sum(outer * values) by x, from the youngest result back to the oldest."""
    owed: dict[int, Pair] = {}
    waiting: list[tuple[int, int, Pair]] = []

    def owe(to: Pair, g: Pair) -> None:
        assert to.birth is not None
        if to.birth in owed:
            owed[to.birth] = owed[to.birth] + g
        else:
            owed[to.birth] = g
            heapq.heappush(waiting, (-to.birth, to.birth, to))

    if values.birth is not None:
        owe(values, Pair(outer.to(torch.float64)))
    while waiting:
        _, birth, result = heapq.heappop(waiting)
        g = owed[birth]
        if result is x:
            return g.high
        for source, pull in result.sources:
            owe(source, pull(g))
    return torch.zeros_like(x.high)
