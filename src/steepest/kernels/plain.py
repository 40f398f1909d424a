"""Tensors that compiled code may read and write where they lie."""

from __future__ import annotations

from collections.abc import Iterable
from ctypes import c_void_p

import torch
from torch import Tensor, nn


def are_plain(tensors: Iterable[Tensor]) -> bool:
    """Float32 in memory that nothing but autograd looks at."""
    if torch.is_autocast_enabled("cpu") or torch.autograd.forward_ad._current_level >= 0:
        return False
    return all(
        type(t) in (Tensor, nn.Parameter)
        and t.dtype == torch.float32
        and t.device.type == "cpu"
        and t.layout == torch.strided
        and not torch._C._functorch.is_functorch_wrapped_tensor(t)
        for t in tensors
    )


def at(tensor: Tensor | None) -> c_void_p:
    """The address of its first number; null of None."""
    return c_void_p(0 if tensor is None else tensor.data_ptr())
