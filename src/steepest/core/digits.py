"""How many digits a body computes with: twice those of its input, where that costs little."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

MOST = 2**18
"""Entries up to which float32 is computed in float64, in up to three times the time. Beyond, time and memory matter more."""

FINEST = 2**10
"""Entries up to which float64 is computed in more. A call on a handful of numbers takes 0.5 ms more, one on so many 2 to 17 ms."""


def widened(x: Tensor) -> Tensor:
    """float32 as float64: a difference of logits is then exact to float32's last digit, and so is what an exp makes of it."""
    if x.dtype is not torch.float32 or x.device.type == "mps" or x.numel() > MOST:
        return x
    return x.double()


def is_finite(x: Tensor) -> bool:
    return bool(x.detach().isfinite().all())


_IS_FINEST = ContextVar("is_finest", default=True)


@contextmanager
def plain_doubles() -> Iterator[None]:
    """Inside, float64 is computed in float64: a step of training has no use for more, and would take 3 ms longer."""
    before = _IS_FINEST.set(False)
    try:
        yield
    finally:
        _IS_FINEST.reset(before)


def is_few_doubles(x: Any) -> bool:
    """A small float64 tensor in this machine's memory, in nobody's transform, where nobody asked for plain_doubles."""
    return (
        type(x) in (Tensor, nn.Parameter)
        and x.dtype is torch.float64
        and 0 < x.numel() <= FINEST
        and _IS_FINEST.get()
        and x.is_cpu
        and x.layout is torch.strided
        and not torch.compiler.is_compiling()
        and torch._C._functorch.peek_interpreter_stack() is None
        and forward_ad._current_level < 0
        and torch._C._len_torch_dispatch_stack() == 0
    )


def finer(body: Callable[..., Tensor], x: Tensor, target: Any, hyper: dict[str, Any]) -> Tensor | None:
    """The body's values on numbers of twice the digits of float64 (kernels.more_digits), or None where there are none."""
    found = importlib.import_module(f"{__package__.rpartition('.')[0]}.kernels.more_digits")
    return found.evaluate(body, x, target, hyper)  # type: ignore[no-any-return]


def number(value: Any, like: Tensor) -> Tensor:
    """A hyperparameter, or several, as a tensor beside the input, of as many digits as that."""
    if isinstance(like, Tensor):
        return torch.as_tensor(value, dtype=like.dtype, device=like.device)
    return like.beside(value)  # type: ignore[no-any-return]


def pi(like: Tensor) -> Tensor:
    """pi beside the input, of as many digits as that."""
    return number(math.pi, like) if isinstance(like, Tensor) else like.pi()
