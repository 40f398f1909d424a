"""Numbers of a rule, one for a run alone or one per trial: the same line of a body serves both."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function


class PerTrial:
    """K numbers, float64 on the CPU. Beside a tensor (K, *) each meets its own trial's part, in the tensor's dtype.

    >>> lr = PerTrial(torch.tensor([0.1, 0.2]))
    >>> (1 - lr) * torch.ones(2, 3)
    tensor([[0.9000, 0.9000, 0.9000],
            [0.8000, 0.8000, 0.8000]])
    """

    def __init__(self, values: Tensor) -> None:
        self.values = values.detach().reshape(-1).to("cpu", torch.float64)

    def __repr__(self) -> str:
        return f"PerTrial({self.values.tolist()})"

    def beside(self, tensor: Tensor) -> Tensor:
        """(K, 1, ..., 1), of the tensor's dtype where that is floating."""
        dtype = tensor.dtype if tensor.is_floating_point() else torch.float64
        column = self.values.to(tensor.device, dtype)
        return column.view(-1, *[1] * (tensor.dim() - 1))

    def take(self, trials: slice | Tensor) -> PerTrial:
        return PerTrial(self.values[trials])

    def repeat(self, n: int) -> PerTrial:
        """For n groups of the same trials, one after another."""
        return PerTrial(self.values.repeat(n))

    def __neg__(self) -> PerTrial:
        return PerTrial(-self.values)

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Any torch function of tensors and per-trial numbers."""
        tensors = [a for a in args if isinstance(a, Tensor)]
        like = next((a for a in tensors if a.is_floating_point()), tensors[0] if tensors else None)

        def plain(value: Any) -> Any:
            if not isinstance(value, PerTrial):
                return value
            return value.values if like is None else value.beside(like)

        found = func(*map(plain, args), **{name: plain(value) for name, value in (kwargs or {}).items()})
        return PerTrial(found) if like is None else found

    __hash__ = None  # type: ignore[assignment]


def _method(name: str, call: Callable[[Any, Any], Any], is_reversed: bool = False) -> None:
    def method(self: PerTrial, other: Any) -> Any:
        if isinstance(other, Tensor):
            mine, others = self.beside(other), other
            return call(others, mine) if is_reversed else call(mine, others)
        number: Any = other.values if isinstance(other, PerTrial) else other
        found = call(number, self.values) if is_reversed else call(self.values, number)
        return PerTrial(found)

    setattr(PerTrial, name, method)


for _name in ("add", "sub", "mul", "truediv", "pow", "mod"):
    _method(f"__{_name}__", getattr(operator, _name))
    _method(f"__r{_name}__", getattr(operator, _name), is_reversed=True)
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    _method(f"__{_name}__", getattr(operator, _name))


def larger(a: Any, b: Any) -> Any:
    """The larger of two numbers, of each trial or of each element."""
    if has_torch_function((a, b)):
        return handle_torch_function(larger, (a, b), a, b)
    if not isinstance(a, Tensor) and not isinstance(b, Tensor):
        return max(a, b)
    like = a if isinstance(a, Tensor) else b
    return torch.maximum(torch.as_tensor(a, dtype=like.dtype), torch.as_tensor(b, dtype=like.dtype))


def smaller(a: Any, b: Any) -> Any:
    """The smaller of two numbers, of each trial or of each element."""
    if has_torch_function((a, b)):
        return handle_torch_function(smaller, (a, b), a, b)
    if not isinstance(a, Tensor) and not isinstance(b, Tensor):
        return min(a, b)
    like = a if isinstance(a, Tensor) else b
    return torch.minimum(torch.as_tensor(a, dtype=like.dtype), torch.as_tensor(b, dtype=like.dtype))


def choose(condition: Any, a: Any, b: Any) -> Any:
    """a where the condition holds, else b; both are computed, so neither may be out of its domain."""
    if has_torch_function((condition, a, b)):
        return handle_torch_function(choose, (condition, a, b), condition, a, b)
    if isinstance(condition, Tensor):
        return torch.where(condition != 0, a, b)
    return a if condition else b


def log(x: Any) -> Any:
    """The natural logarithm of a number, of each trial or of each element."""
    if has_torch_function((x,)):
        return handle_torch_function(log, (x,), x)
    return x.log() if isinstance(x, Tensor) else math.log(x)


def holds_for_any(condition: Any) -> bool:
    """Whether a condition on numbers holds for the run, or for one trial at least."""
    return bool((condition.values != 0).any()) if isinstance(condition, PerTrial) else bool(condition)


def trials_where(condition: Any, n_trials: int) -> list[int]:
    """The trials for which a condition on numbers holds; all or none of them where there is one number."""
    if isinstance(condition, PerTrial):
        return (condition.values != 0).nonzero().flatten().tolist()
    return list(range(n_trials)) if condition else []
