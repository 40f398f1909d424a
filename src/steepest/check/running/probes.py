"""A few passes through a copy of a model: does a sample see another one, does time t see what comes later."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .record import ModelCall
from .tracer import tensors_in


@contextmanager
def undisturbed() -> Iterator[None]:
    """Random numbers and the kind of gradients are afterwards as before."""
    state, python, grad = torch.get_rng_state(), random.getstate(), torch.is_grad_enabled()
    try:
        import numpy

        numbers = numpy.random.get_state()
    except ImportError:
        numpy, numbers = None, None  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.set_rng_state(state)
        random.setstate(python)
        torch.set_grad_enabled(grad)
        if numpy is not None:
            numpy.random.set_state(numbers)  # type: ignore[arg-type]


def copy_of(module: nn.Module) -> nn.Module | None:
    """A copy in evaluation mode, or None where copying fails (results kept in attributes, locks, files)."""
    kept = {}
    for m in module.modules():
        for name, value in list(vars(m).items()):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                kept[(id(m), name)] = (m, name, value)
                setattr(m, name, value.detach())
    try:
        return copy.deepcopy(module).eval()
    except Exception:
        return None
    finally:
        for m, name, value in kept.values():
            setattr(m, name, value)


def replies(call: ModelCall) -> Callable[[list[Tensor]], Tensor | None] | None:
    """The model of a call as a function of its tensor inputs: the first output, without gradients, in evaluation mode."""
    if not call.kept or not call.inputs or call.arguments is None:
        return None
    model = copy_of(call.module)
    if model is None:
        return None
    args, kwargs = call.arguments

    def reply(inputs: list[Tensor]) -> Tensor | None:
        fresh = {id(old): new for old, new in zip(call.inputs, inputs)}
        with undisturbed(), torch.no_grad():
            try:
                out = model(*_put(args, fresh), **_put(kwargs, fresh))
            except Exception:
                return None
        return next((t for t in tensors_in(out) if t.is_floating_point()), None)

    return reply


def _put(value: Any, fresh: dict[int, Tensor]) -> Any:
    if isinstance(value, Tensor):
        return fresh.get(id(value), value)
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(_put(v, fresh) for v in value)
    if isinstance(value, list):
        return [_put(v, fresh) for v in value]
    if isinstance(value, dict):
        return {k: _put(v, fresh) for k, v in value.items()}
    return value


def changed(tensor: Tensor, where: tuple[Any, ...]) -> Tensor:
    """A copy with other values at a place: other numbers of the same size, or tokens that occur elsewhere."""
    new = tensor.clone()
    part = new[where]
    if tensor.is_floating_point():
        spread = tensor.float().std().clamp(min=1e-2).to(tensor.dtype) if tensor.numel() > 1 else 1.0
        new[where] = part + (1 + torch.arange(part.numel()).reshape(part.shape).remainder(3)).to(part) * spread
        return new
    low, high = int(tensor.min()), int(tensor.max())
    if high > low and not tensor.dtype == torch.bool:
        new[where] = torch.where(part == high, torch.full_like(part, max(low, high - 1)), torch.full_like(part, high))
    return new


def crosstalk(call: ModelCall) -> float:
    """How much the output for the other samples moves when one sample is changed, relative to the output's own spread.

    0.0 where samples are independent, and where it cannot be told: no batch axis in input and output.
    """
    reply = replies(call)
    if reply is None:
        return 0.0
    batch = call.inputs[0]
    if not batch.dim() or batch.shape[0] < 2 or not (batch.is_floating_point() or batch.dtype == torch.long):
        return 0.0
    base = reply(call.inputs)
    if base is None or not base.dim() or base.shape[0] != batch.shape[0] or not torch.isfinite(base).all():
        return 0.0
    if base.dim() > 2 and base.shape[0] == base.shape[1]:
        return 0.0  # as many times as samples: which axis is which cannot be told
    again = reply(call.inputs)
    if again is None or not torch.equal(base, again):
        return 0.0
    other = reply([changed(batch, (0,)), *call.inputs[1:]])
    if other is None or other.shape != base.shape:
        return 0.0
    moved = (other[1:] - base[1:]).abs().max().item()
    return moved / max(base.std().item(), 1e-6) if base.numel() > 1 else 0.0


def looks_ahead(call: ModelCall, which: int = 0) -> float:
    """How much outputs before time t move when the input from t on is changed, relative to the output's spread."""
    found = _moved_by(call, which)
    return found[0] if found else 0.0


def per_time(call: ModelCall) -> bool:
    """The output has the input's time axis, and its later part follows the later input."""
    found = _moved_by(call, 0)
    return found is not None and found[1] > 1e-6


def _moved_by(call: ModelCall, which: int) -> tuple[float, float] | None:
    """How much the first and the second half of the output move when the second half of an input changes."""
    reply = replies(call)
    if reply is None or which >= len(call.inputs):
        return None
    batch = call.inputs[which]
    if batch.dim() < 2 or batch.shape[1] < 4:
        return None
    base, times = reply(call.inputs), batch.shape[1]
    if base is None or base.dim() < 2 or base.shape[0] not in (batch.shape[0], batch.shape[0] * times):
        return None
    half = times // 2
    fresh = list(call.inputs)
    fresh[which] = changed(batch, (slice(None), slice(half, None)))
    other = reply(fresh)
    if other is None or other.shape != base.shape:
        return None
    moved = (other - base).abs()
    if base.shape[0] == batch.shape[0] * times and batch.shape[0] > 1:
        moved = moved.reshape(batch.shape[0], times, -1)
    elif base.shape[1] != times:
        axis = next((d for d in range(2, base.dim()) if base.shape[d] == times), None)
        if axis is None:
            return None
        moved = moved.movedim(axis, 1)
    spread = max(base.std().item(), 1e-6)
    return moved[:, :half].max().item() / spread, moved[:, half:].max().item() / spread
