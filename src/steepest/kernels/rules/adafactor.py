"""Adafactor of all tensors of a group in one call: three passes over a tensor, where its body makes about fifteen."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from ctypes import c_int64, c_void_p
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import increment_version

from ..addresses import addresses_of
from ..compiled import library
from ..steps import LEAST, PER_TASK, REALS

STATES = ("row_var", "col_var", "variance")


def step(settings: Mapping[str, Any], maximize: bool, members: Sequence[Any]) -> Sequence[int]:
    """A core.faster.WholeSteps."""
    left, total = {*range(len(members))}, sum([member.param.numel() for member in members])
    if total < LEAST or torch.is_grad_enabled():
        return sorted(left)
    for dtype, real in REALS.items():
        own = [place for place in left if members[place].param.dtype is dtype and members[place].param.numel()]
        taken, places = _addresses({place: _row(members[place]) for place in own}, dtype)
        kernel = library("rules/adafactor", real) if taken else None
        if kernel is None:
            continue
        left -= {*taken}
        moved = [members[place] for place in taken]
        known = {count: _numbers(settings, maximize, dtype, count) for count in {member.count for member in moved}}
        numbers = array("d", [number for member in moved for number in known[member.count]])
        shapes = array("q", [side for member in moved for side in _sides(member.param.shape)])
        increment_version([member.param for member in moved])
        _run(kernel.step, (numbers, shapes, places), len(moved), total)
    return sorted(left)


def _row(member: Any) -> list[Tensor | None]:
    """Parameter, gradient and the three states, None for those that this tensor has not."""
    return [member.param, member.grad, *(member.state.get(name) for name in STATES)]


def _addresses(rows: dict[int, list[Tensor | None]], dtype: torch.dtype) -> tuple[list[int], array[int]]:
    """The keys of the rows that can be taken, and the addresses of their tensors, 0 for None."""
    if not rows:
        return [], array("q")
    found = addresses_of([one for row in rows.values() for one in row if one is not None], dtype)
    if found is None:
        fit = {key: row for key, row in rows.items() if addresses_of([one for one in row if one is not None], dtype)}
        return _addresses(fit, dtype)
    each = iter(found)
    return [*rows], array("q", [0 if one is None else next(each) for row in rows.values() for one in row])


def _numbers(settings: Mapping[str, Any], maximize: bool, dtype: torch.dtype, count: float) -> tuple[float, ...]:
    """In the order of the enum in adafactor.cpp."""
    t, lr, eps1 = float(count), float(settings["lr"]), settings["eps1"]
    least = torch.finfo(dtype).eps if eps1 is None else float(eps1)
    shrink = 1 - lr * float(settings["weight_decay"])
    fresh = t ** float(settings["beta2_decay"])
    return fresh, least, min(lr, t**-0.5), float(settings["eps2"]), float(settings["d"]), shrink, 1 - 2.0 * maximize


def _sides(shape: torch.Size) -> tuple[int, int, int]:
    """Matrices, rows, columns: the last two axes are a matrix's."""
    return (shape[:-2].numel(), shape[-2], shape[-1]) if len(shape) > 1 else (1, 1, shape.numel())


def _run(function: Any, arrays: tuple[array[Any], ...], n: int, total: int) -> None:
    call = [c_void_p(one.buffer_info()[0]) for one in arrays]
    threads = torch.get_num_threads()
    if threads == 1 or total <= PER_TASK:
        function(*call, c_int64(0), c_int64(n))
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda place: function(*call, c_int64(place), c_int64(place + 1)), range(n)))
