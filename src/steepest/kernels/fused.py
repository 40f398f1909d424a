"""A loss as one node of the graph: value and gradient in one compiled pass, without temporaries."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import forward_ad

from steepest.core.batch import Options
from steepest.core.errors import SteepestError
from steepest.core.reduce import Items, parts, reduce

from .compiled import library

Again = Callable[[Tensor], Tensor]
Numbers = tuple[float, float, float]
NONE = (0.0, 0.0, 0.0)
STEP_BACK = -1
LARGEST_FLOAT = torch.finfo(torch.float32).max
PER_TASK = 2**19
"""Entries per task of the pool: half a millisecond of work, twenty times what handing it over costs.
Not a function of the number of threads, so that sums come in the same order on every machine."""

_INT, _POINTER, _DOUBLE = ctypes.c_int64, ctypes.c_void_p, ctypes.c_double
ARGUMENTS = (_INT, *(_POINTER,) * 3, *(_INT,) * 3, *(_DOUBLE,) * 4, *(_POINTER,) * 3)
"""kind; x, y, coefficients; samples, width, items of a sample; scale, three numbers of the loss; gradient, each
item's value, total. Returns 0, or 1 to step back."""


class FusedKernel:
    """Coefficient x loss of the items of a batch, their sum, or their mean. A core.faster.Kernel.

    Called with what a loss was called with; returns None where the declared body has to do it: other layouts and
    devices, transforms, anything else to be differentiated than the input, anything to be refused.
    source: the C++ file and the function in it.
    """

    source: str

    def __init__(self, kind: int, numbers: Callable[[dict[str, Any]], Numbers] = lambda hyper: NONE) -> None:
        self.kind, self.numbers = kind, numbers
        self._functions: dict[torch.dtype, Any] = {}

    def target(self, x: Any, y: Any) -> Any:
        """The target as the compiled function takes it, where a cast is enough."""
        return y

    def fits(self, x: Tensor, y: Tensor) -> bool:
        """Shapes and the target's dtype are those of the compiled function."""
        raise NotImplementedError

    def shares(self, x: Tensor, y: Tensor, options: Options) -> Items | None:
        """How much each item counts, 0 for those left out, in the place of the values; None to step back."""
        raise NotImplementedError

    def __call__(
        self,
        input: Tensor,
        target: Tensor | None,
        options: Options | None,
        hyper: dict[str, Any],
        reduction: str,
        normalize: str,
        denominator: float | Tensor | None,
        again: Again,
    ) -> Tensor | None:
        """The reduced loss. options: None when the call has no weight, mask, ignored label or class weight."""
        x = widened(input)
        y = self.target(x, target)
        if not self.takes(x, y, hyper) or not _is_constant(options, denominator):
            return None
        kind, numbers = self.kind, self.numbers(hyper)
        items = None
        if options is not None:
            items = self._shares(x, y, options)
            if options.is_smoothed:
                kind, numbers = self.smoothed(options)
            if items is None or kind < 0:
                return None
        is_each = reduction in ("none", "sample")
        bottom = 1.0 if is_each else _bottom(items, self.items(x, y), reduction, normalize, denominator)
        if bottom == 0:
            return None
        call = Call(kind, numbers, 1.0 / bottom, is_each)
        c = None if items is None else items.values
        if x.requires_grad and torch.is_grad_enabled():
            value = _apply(x)(x, y, c, call, self, again)
        else:
            value = self.run(x, y, c, call, None)
        if reduction != "sample" or value is None:
            return value
        weighted = Items(value, *(None, None) if items is None else (items.weight, items.present))
        return reduce(weighted, "sample", normalize)  # type: ignore[arg-type]

    def slope(
        self, input: Tensor, target: Tensor | None, options: Options | None, hyper: dict[str, Any], normalize: str
    ) -> tuple[Tensor, Tensor] | None:
        """(numerator, denominator) of a batch, whose input is overwritten by the numerator's gradient."""
        y = self.target(input, target)
        if not self.takes(input, y, hyper) or not _is_constant(options):
            return None
        kind, numbers = self.kind, self.numbers(hyper)
        items = None if options is None else self._shares(input, y, options)
        if options is not None and options.is_smoothed:
            kind, numbers = self.smoothed(options)
        if kind < 0 or (options is not None and items is None):
            return None
        call = Call(kind, numbers, 1.0, False)
        numerator = self.run(input, y, None if items is None else items.values, call, input)
        if numerator is None:
            return None
        return numerator, input.new_full((), _bottom(items, self.items(input, y), "mean", normalize, None))

    def smoothed(self, options: Options) -> tuple[int, Numbers]:
        """Kind and numbers for smoothed labels; a kind below 0 to step back."""
        return STEP_BACK, NONE

    def _shares(self, x: Tensor, y: Tensor, options: Options) -> Items | None:
        try:
            return self.shares(x, y, options)
        except SteepestError:  # the declared body says it in the name of the loss
            return None

    def takes(self, x: Any, y: Any, hyper: dict[str, Any]) -> bool:
        """Plain tensors in this machine's memory and nobody's transform; plain hyperparameters; a compiled function."""
        return (
            (type(x) is Tensor or type(x) is torch.nn.Parameter)
            and type(y) is Tensor
            and torch._C._functorch.peek_interpreter_stack() is None
            and (x.dtype is torch.float32 or x.dtype is torch.float64)
            and x.is_cpu
            and y.is_cpu
            and not y.requires_grad
            and self.fits(x, y)
            and y.shape[0] > 0
            and x.is_contiguous()
            and y.is_contiguous()
            and forward_ad._current_level < 0
            and torch._C._len_torch_dispatch_stack() == 0
            and not (hyper and any(isinstance(value, Tensor) for value in hyper.values()))
            and bool(self._functions[x.dtype] if x.dtype in self._functions else self._found(x.dtype))
        )

    def _found(self, dtype: torch.dtype) -> Any:
        """The compiled function, False where there is none."""
        built = library(self.source, "double" if dtype is torch.float64 else "float")
        function: Any = getattr(built, self.source) if built else False
        self._functions[dtype] = function
        if built:
            function.argtypes, function.restype = ARGUMENTS, _INT
        return function

    def run(self, x: Tensor, y: Tensor, c: Tensor | None, call: Call, gradient: Tensor | None) -> Tensor | None:
        """The scaled sum or the scaled values, the gradient written; None to step back."""
        function = self._functions[x.dtype]
        n, width, inner = self.sizes(x)
        each = x.new_empty(self.items(x, y)) if call.is_each else None
        rows = PER_TASK // (width * inner)
        if n <= rows or n == 1:
            total = ctypes.c_double()
            stepped_back = function(
                call.kind, x.data_ptr(), y.data_ptr(), None if c is None else c.data_ptr(), n, width, inner,
                call.scale, *call.numbers, None if gradient is None else gradient.data_ptr(),
                None if each is None else each.data_ptr(), ctypes.addressof(total),
            )  # fmt: skip
            return None if stepped_back else _number(total.value, x) if each is None else each
        rows = max(1, rows)
        tensors = (x, y, c, gradient, each)
        starts = [None if t is None else t.data_ptr() for t in tensors]
        strides = [t.numel() // n * t.element_size() if t is not None else 0 for t in tensors]
        totals = (ctypes.c_double * -(-n // rows))()

        def task(place: int) -> int:
            at = place * rows
            here = [None if start is None else start + at * stride for start, stride in zip(starts, strides)]
            return int(function(
                call.kind, *here[:3], min(rows, n - at), width, inner, call.scale, *call.numbers,
                *here[3:], ctypes.addressof(totals) + 8 * place,
            ))  # fmt: skip

        if torch.get_num_threads() == 1:
            stepped_back = any(task(place) for place in range(len(totals)))
        else:
            with ThreadPoolExecutor(torch.get_num_threads()) as pool:
                stepped_back = any(pool.map(task, range(len(totals))))
        return None if stepped_back else each if each is not None else _number(sum(totals), x)

    def sizes(self, x: Tensor) -> tuple[int, int, int]:
        """Samples, values of an item, items of a sample."""
        return x.numel(), 1, 1

    def items(self, x: Tensor, y: Tensor) -> torch.Size:
        """The shape of the items."""
        return y.shape


class Call(NamedTuple):
    """Which loss, its numbers, what its values are multiplied with; is_each: the items' values, not their sum."""

    kind: int
    numbers: Numbers
    scale: float
    is_each: bool


def widened(value: Any) -> Any:
    """Halves as float32."""
    return value.float() if type(value) is Tensor and value.dtype in (torch.bfloat16, torch.float16) else value


def _number(total: float, like: Tensor) -> Tensor:
    """A sum in the input's dtype; infinite where that cannot hold it, which new_full would refuse."""
    if LARGEST_FLOAT < abs(total) < math.inf and like.dtype is torch.float32:
        total = math.copysign(math.inf, total)
    return like.new_full((), total)


def _is_constant(options: Options | None, denominator: float | Tensor | None = None) -> bool:
    """Nothing to differentiate, nothing from elsewhere, at most one denominator."""
    if options is None and denominator is None:
        return True
    if isinstance(denominator, Tensor) and denominator.numel() != 1:
        return False
    values: list[Any] = [denominator]
    if options is not None:
        values += [options.weight, options.mask, options.class_weight]
    return not any(isinstance(v, Tensor) and (v.requires_grad or not v.is_cpu or type(v) is not Tensor) for v in values)


def _bottom(
    items: Items | None, shape: torch.Size, reduction: str, normalize: str, denominator: float | Tensor | None
) -> float:
    """What the sum is divided by."""
    if reduction == "sum":
        return 1.0
    if reduction == "batchmean":
        return float(shape[0])
    if denominator is not None:
        return float(denominator)
    if items is None:
        return float(shape[0] if normalize == "batch" else shape.numel())
    return float(parts(items, normalize)[1])  # type: ignore[arg-type]


class _Node(torch.autograd.Function):
    """The gradient is made with the value and handed over once; later, or to be differentiated, it is made anew."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, c: Tensor | None, call: Call, kernel: FusedKernel, again: Again) -> Any:
        gradient = torch.empty_like(x)
        found = kernel.run(x, y, c, call, gradient)
        ctx.save_for_backward(x)
        ctx.gradient, ctx.again = gradient, again
        return found

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> Any:
        gradient, ctx.gradient = ctx.gradient, None
        if torch.is_grad_enabled() or gradient is None:
            return _anew(ctx, outer), None, None, None, None, None
        if outer.dim() == 0:
            factor = outer.item()
            return gradient if factor == 1.0 else gradient.mul_(factor), None, None, None, None, None
        return gradient.mul_(outer if outer.shape == gradient.shape else outer.unsqueeze(1)), *(None,) * 5


_AT_ONCE: Any = super(torch.autograd.Function, _Node).apply  # type: ignore[misc]


def _apply(x: Tensor) -> Any:
    """_Node.apply without its look at transforms, of which there are none here: 5 us of 60 for 64 x 10 logits."""
    return _Node.apply if torch._C._functorch.is_functorch_wrapped_tensor(x) else _AT_ONCE


def _anew(ctx: Any, outer: Tensor) -> Tensor:
    (x,) = ctx.saved_tensors
    create = torch.is_grad_enabled()
    with torch.enable_grad():
        value = ctx.again(x)
    return torch.autograd.grad(value, x, outer, create_graph=create)[0]
