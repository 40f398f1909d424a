"""Losses of a row's softmax and a class label, value and gradient in one pass: no logits-sized temporary but the gradient itself."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from steepest.core.batch import IgnoreIndex, Options, ignored, liveness
from steepest.core.reduce import Items, parts

from .compiled import library
from .pages import empty_like

Again = Callable[[Tensor], Tensor]
KINDS = {"cross_entropy": 0, "focal": 1}
PER_TASK = 2**19
"""Logits per task of the pool: half a millisecond of work, twenty times what handing it over costs. Not a function of the number
of threads, so that sums come in the same order on every machine."""


class SoftmaxKernel:
    """The sum over rows of coefficient x loss, or their mean, as one node of the graph.

    Called with what a loss was called with; returns None where the declared body has to do it: soft labels, label smoothing, other
    layouts and devices, transforms, values to be differentiated other than the logits, and anything to be refused.
    """

    def __init__(self, name: str) -> None:
        self.name, self.kind = name, KINDS[name]
        self._function: Any = None

    def function(self) -> Any:
        """The compiled function, False where there is none."""
        if self._function is None:
            found = library("softmax_rows")
            self._function = found.softmax_rows if found else False
            if found:
                i, p, d = ctypes.c_int64, ctypes.c_void_p, ctypes.c_double
                self._function.argtypes, self._function.restype = (i, i, p, p, p, i, i, d, d, p, p), i
        return self._function

    def __call__(
        self,
        input: Tensor,
        target: Tensor,
        options: Options | None,
        hyper: dict[str, Any],
        reduction: str,
        normalize: str,
        denominator: float | Tensor | None,
        again: Again,
    ) -> Tensor | None:
        """The reduced loss. options: None when the call has no weight, mask, ignored label or class weight."""
        if type(input) is Tensor and (input.dtype is torch.bfloat16 or input.dtype is torch.float16):
            input = input.float()
        gamma = hyper.get("gamma", 2.0)
        if isinstance(gamma, Tensor) or not _is_plain(input, target) or not self.function():
            return None
        n = input.shape[0]
        if options is None and denominator is None:
            return _sum(self, input, target, None, 1.0 if reduction == "sum" else 1.0 / n, gamma, again)
        items = _shares(self.name, input, target, options) if _is_constant(options, denominator) else None
        if items is None:
            return None
        bottom = n if reduction == "batchmean" else 1.0
        if reduction == "mean":
            bottom = float(parts(items, normalize, denominator)[1])  # type: ignore[arg-type]
        if bottom == 0:
            return None
        coefficients = items.values if options is not None else None
        return _sum(self, input, target, coefficients, 1.0 / bottom, gamma, again)

    def slope(
        self, input: Tensor, target: Tensor, options: Options | None, hyper: dict[str, Any], normalize: str
    ) -> tuple[Tensor, Tensor] | None:
        """(numerator, denominator) of a batch; its logits, which nobody else may need, are overwritten by the numerator's gradient."""
        gamma = hyper.get("gamma", 2.0)
        if isinstance(gamma, Tensor) or not _is_plain(input, target) or not self.function():
            return None
        items = _shares(self.name, input, target, options) if _is_constant(options) else None
        if items is None:
            return None
        coefficients = None if options is None else items.values
        numerator = self.run(input, target, coefficients, 1.0, gamma, input)
        return None if numerator is None else (numerator, parts(items, normalize)[1])  # type: ignore[arg-type]

    def run(self, x: Tensor, y: Tensor, c: Tensor | None, scale: float, gamma: float, gradient: Tensor | None) -> Tensor | None:
        """The scaled sum, its gradient written; None when a label is not a class."""
        n, width = x.shape
        total = ctypes.c_double()
        rows = max(1, PER_TASK // width)
        if n <= rows:
            wrong = self._function(
                x.dtype is torch.float64, self.kind, x.data_ptr(), y.data_ptr(), None if c is None else c.data_ptr(),
                n, width, scale, gamma, None if gradient is None else gradient.data_ptr(), ctypes.addressof(total),
            )  # fmt: skip
            return None if wrong else x.new_full((), total.value)
        return self._in_tasks(x, y, c, scale, gamma, gradient, rows)

    def _in_tasks(
        self, x: Tensor, y: Tensor, c: Tensor | None, scale: float, gamma: float, gradient: Tensor | None, rows: int
    ) -> Tensor | None:
        n, width = x.shape
        starts = range(0, n, rows)
        totals = (ctypes.c_double * len(starts))()

        def task(place: int) -> int:
            at, size = starts[place], x.element_size()
            return int(self._function(
                x.dtype is torch.float64, self.kind, x.data_ptr() + at * width * size, y.data_ptr() + at * 8,
                None if c is None else c.data_ptr() + at * size, min(rows, n - at), width, scale, gamma,
                None if gradient is None else gradient.data_ptr() + at * width * size, ctypes.addressof(totals) + 8 * place,
            ))  # fmt: skip

        if bool(((y < 0) | (y >= width)).any()) and (c is None or bool((((y < 0) | (y >= width)) & (c != 0)).any())):
            return None
        if torch.get_num_threads() == 1:
            for place in range(len(starts)):
                task(place)
        else:
            with ThreadPoolExecutor(torch.get_num_threads()) as pool:
                list(pool.map(task, range(len(starts))))
        return x.new_full((), sum(totals))


def _is_plain(x: Tensor, y: Tensor) -> bool:
    """A matrix of logits and a vector of indices in this machine's memory, in nobody's transform."""
    return (
        (type(x) is Tensor or type(x) is torch.nn.Parameter)
        and type(y) is Tensor
        and torch._C._functorch.peek_interpreter_stack() is None
        and (x.dtype is torch.float32 or x.dtype is torch.float64)
        and y.dtype is torch.int64
        and x.is_cpu
        and y.is_cpu
        and x.dim() == 2
        and x.shape[1] > 1
        and y.dim() == 1
        and y.shape[0] == x.shape[0] > 0
        and x.is_contiguous()
        and y.is_contiguous()
        and forward_ad._current_level < 0
        and torch._C._len_torch_dispatch_stack() == 0
    )


def _is_constant(options: Options | None, denominator: float | Tensor | None = None) -> bool:
    """Nothing to differentiate, and at most one denominator."""
    values: list[Any] = [denominator]
    if options is not None:
        values += [options.weight, options.mask, options.class_weight]
    if isinstance(denominator, Tensor) and denominator.numel() != 1:
        return False
    return not any(isinstance(v, Tensor) and (v.requires_grad or not v.is_cpu or type(v) is not Tensor) for v in values)


def _shares(where: str, x: Tensor, y: Tensor, options: Options | None) -> Items | None:
    """How much each row counts, 0 for those that are left out, in the place of the values; None when a label is not a class."""
    ones = x.new_ones(x.shape[0])
    if options is None:
        return Items(ones, None, None)
    live = liveness(where, y.shape, options, ignored(y, options.ignore_index))
    weight = None if live.weight is None else live.weight.to(x.dtype)
    if options.class_weight is not None:
        vector = torch.as_tensor(options.class_weight, dtype=x.dtype)
        if vector.shape != (x.shape[1],) or not bool((vector >= 0).all()):
            return None
        labels = y if live.alive is None else torch.where(live.alive, y, 0)
        if len(y) and not 0 <= int(labels.min()) <= int(labels.max()) < x.shape[1]:
            return None
        weight = vector[labels] if weight is None else weight * vector[labels]
    shares = ones if weight is None else weight.expand(y.shape)
    if live.alive is not None:
        shares = torch.where(live.alive, shares, 0.0)
    return Items(shares.contiguous(), weight, live.present)


def _sum(
    kernel: SoftmaxKernel, x: Tensor, y: Tensor, c: Tensor | None, scale: float, gamma: float, again: Again
) -> Tensor | None:
    if x.requires_grad and torch.is_grad_enabled():
        return _Sum.apply(x, y, c, scale, gamma, kernel, again)
    return kernel.run(x, y, c, scale, gamma, None)


class _Sum(torch.autograd.Function):
    """The gradient is made with the value and handed over once; a second time, or to be differentiated itself, it is made anew."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, c: Tensor | None, scale: float, gamma: float, kernel: SoftmaxKernel, again: Again) -> Any:
        gradient = empty_like(x)
        total = kernel.run(x, y, c, scale, gamma, gradient)
        ctx.save_for_backward(x)
        ctx.gradient, ctx.again = gradient, again
        return total

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> Any:
        gradient, ctx.gradient = ctx.gradient, None
        if torch.is_grad_enabled() or gradient is None:
            return _anew(ctx, outer), None, None, None, None, None, None
        factor = outer.item()
        return gradient if factor == 1.0 else gradient.mul_(factor), None, None, None, None, None, None


def _anew(ctx: Any, outer: Tensor) -> Tensor:
    (x,) = ctx.saved_tensors
    create = torch.is_grad_enabled()
    with torch.enable_grad():
        value = ctx.again(x)
    return torch.autograd.grad(value, x, outer, create_graph=create)[0]
