"""Bodies of losses on pairs of float64: values and gradients right to the last bit, where that costs little."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .pairs import Pair, Unknown, is_available, lifted, slope, variable

Body = Callable[..., Any]


def evaluate(body: Body, x: Tensor, target: Any, hyper: dict[str, Any]) -> Tensor | None:
    """body(x, target, **hyper) rounded once; None where plain tensors have to do.

    Floats among the hyperparameters become pairs, so that 1 / gamma is right too; whole numbers stay.
    """
    if not is_available():
        return None
    tensors = [value for value in (target, *_fields(target).values(), *hyper.values()) if isinstance(value, Tensor)]
    if any(t.requires_grad or not t.is_cpu or type(t) not in (Tensor, torch.nn.Parameter) for t in tensors):
        return None
    wide = {name: lifted(value) if _is_number(value) else value for name, value in hyper.items()}
    goal = _lifted_target(target)

    def made(start: Pair) -> Pair:
        return lifted(body(start, goal, **wide))

    try:
        if x.requires_grad and torch.is_grad_enabled():
            return _Finer.apply(x, made, lambda x: body(x, target, **hyper))  # type: ignore[no-any-return]
        return made(Pair(x)).high
    except (Unknown, TypeError):  # a function that wants a tensor and nothing else
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, Tensor) and value.is_floating_point())


def _fields(target: Any) -> dict[str, Any]:
    if not dataclasses.is_dataclass(target):
        return {}
    return {field.name: getattr(target, field.name) for field in dataclasses.fields(target)}


def _lifted_target(target: Any) -> Any:
    """The target with pairs in place of its floating tensors."""
    if isinstance(target, Tensor):
        return lifted(target) if target.is_floating_point() else target
    wide = {
        name: lifted(value)
        for name, value in _fields(target).items()
        if _is_number(value) and isinstance(value, Tensor)
    }
    return dataclasses.replace(target, **wide) if wide else target


class _Finer(torch.autograd.Function):
    """The gradient follows the pairs' own record; to be differentiated again, it is made anew from the plain body."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, made: Callable[[Pair], Pair], again: Callable[[Tensor], Tensor]) -> Tensor:
        start = variable(x.detach())
        values = made(start)
        ctx.save_for_backward(x)
        ctx.start, ctx.values, ctx.again = start, values, again
        return values.high.clone()

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> Any:  # type: ignore[override]
        (x,) = ctx.saved_tensors
        if not torch.is_grad_enabled():
            return slope(ctx.values, outer, ctx.start), None, None
        with torch.enable_grad():
            values = ctx.again(x)
        return torch.autograd.grad(values, x, outer, create_graph=True)[0], None, None
