"""Records every call of torch that a program makes, as a graph of operations."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from .graph import PASSES, Op, Ref
from .numbers_seen import seen
from .place import here

_INIT = frozenset({"uniform", "kaiming_uniform", "kaiming_normal", "xavier_uniform", "constant", "fill"})
NOISE = frozenset("size dim numel shape device dtype grad_fn is_cuda is_leaf requires_grad ndim is_sparse layout len is_nested "
                  "is_floating_point is_complex set_grad_enabled record_function_enter_new record_function_exit grad names stride "
                  "is_contiguous data_ptr element_size storage_offset is_quantized retain_grad register_hook backward repr "
                  "get_device is_inference version get_default_dtype iter hash manual_seed empty is_tensor is_grad_enabled "
                  "has_names nelement nbytes itemsize output_nr name volatile deepcopy reduce_ex storage untyped_storage".split())  # fmt: skip


def tensors_in(value: Any, depth: int = 3) -> Iterator[Tensor]:
    """All tensors in nested lists, tuples, dictionaries and plain records."""
    if isinstance(value, Tensor):
        yield value
    elif depth and isinstance(value, (list, tuple, set)):
        for v in value:
            yield from tensors_in(v, depth - 1)
    elif depth and isinstance(value, dict):
        for v in value.values():
            yield from tensors_in(v, depth - 1)
    elif depth and hasattr(value, "__dict__") and not isinstance(value, (type, torch.nn.Module, torch.Generator)):
        for v in list(vars(value).values())[:20]:
            yield from tensors_in(v, depth - 2 if depth > 1 else 0)


def canonical(func: Any) -> str:
    """One name for a function, a method, an operator and its in-place form."""
    name = getattr(func, "__name__", "") or str(func)
    if name in ("__get__", "__set__"):
        owner = getattr(getattr(func, "__self__", None), "__name__", "")
        return owner if name == "__get__" else f"set {owner}"
    name = name.strip("_") if name.startswith("__") else name.lstrip("_")
    if name.endswith("_") and name not in PASSES:
        name = name.rstrip("_")
    return _SAME.get(name, name)


_SAME = {
    "radd": "add", "iadd": "add", "rmul": "mul", "imul": "mul", "multiply": "mul", "isub": "sub", "subtract": "sub",
    "itruediv": "div", "truediv": "div", "divide": "div", "true_divide": "div", "rtruediv": "rdiv", "greater": "gt",
    "greater_equal": "ge", "less": "lt", "less_equal": "le", "not_equal": "ne", "concat": "cat", "absolute": "abs",
    "clip": "clamp", "adaptive_avg_pool2d": "avg_pool2d", "special_expit": "sigmoid", "float_power": "pow",
}  # fmt: skip


def is_in_place(func: Any) -> bool:
    name = getattr(func, "__name__", "")
    if name.startswith("__"):
        return name in ("__iadd__", "__isub__", "__imul__", "__itruediv__", "__setitem__")
    return name.endswith("_") and not name.startswith("_") and name not in ("requires_grad_",)


class Tracer(TorchFunctionMode):
    """Records calls while it is entered. keeps(): whether tensors are kept now; on_op is told every recorded call."""

    def __init__(
        self, keeps: Callable[[], bool], on_op: Callable[[Op], None], on_error: Callable[[Op, Exception], None]
    ) -> None:
        super().__init__()
        self.keeps, self.on_op, self.on_error = keeps, on_op, on_error
        self.made: dict[int, tuple[weakref.ref[Tensor], Op]] = {}
        self.raw: tuple[Any, Any] = ((), {})
        self.paused = 0
        self.result: Any = None
        self.step = 0
        self.count = 0
        self.modules: list[Any] = []

    def op_of(self, tensor: Tensor) -> Op | None:
        """The call that made this tensor, or None for a leaf."""
        found = self.made.get(id(tensor))
        return found[1] if found is not None and found[0]() is tensor else None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = canonical(func)
        if self.paused or name in NOISE or name in _INIT:
            return func(*args, **kwargs)
        op = Op(name, func, self._noted(args), {k: self._noted(v) for k, v in kwargs.items()}, here(),
                self.modules[-1] if self.modules else None, self.step, self.count, torch.is_grad_enabled())  # fmt: skip
        self.count += 1
        self.raw = (args, kwargs)
        try:
            result = func(*args, **kwargs)
        except Exception as error:
            self.on_error(op, error)
            raise
        self._remember(op, func, args, result)
        if name == "item":
            result = seen(result, op)
        self.paused += 1
        self.result = result if isinstance(result, Tensor) else None
        try:
            self.on_op(op)
        finally:
            self.paused -= 1
            self.result, self.raw = None, ((), {})
        return result

    def _remember(self, op: Op, func: Any, args: Any, result: Any) -> None:
        op.in_place = is_in_place(func)
        outs = [args[0]] if op.name == "setitem" else list(tensors_in(result, 2))
        keep = self.keeps()
        op.out = [Ref(None, t if keep else None, tuple(t.shape), t.dtype) for t in outs if isinstance(t, Tensor)]
        for tensor in outs:
            if isinstance(tensor, Tensor):
                self.remember(tensor, op)
        for ref in op.refs():
            if ref.op is not None:
                ref.op.used += 1

    def remember(self, tensor: Tensor, op: Op) -> None:
        key = id(tensor)
        made = self.made

        def forget(ref: Any) -> None:
            if key in made and made[key][0] is ref:
                del made[key]

        made[key] = (weakref.ref(tensor, forget), op)

    def _noted(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return Ref(self.op_of(value), value if self.keeps() else None, tuple(value.shape), value.dtype)
        if isinstance(value, (list, tuple)) and len(value) < 200:
            return [self._noted(v) for v in value]
        return value
