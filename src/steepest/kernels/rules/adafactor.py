"""Adafactor of all tensors of a group in one call: three passes over a tensor, where its body makes about fifteen."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from ctypes import c_int64, c_void_p
from typing import Any

import torch
from torch.autograd.graph import increment_version

from ..addresses import addresses_of
from ..compiled import library
from ..steps import LEAST, PER_TASK, REALS

STATES = ("row_var", "col_var", "variance")


def step(settings: Mapping[str, Any], maximize: bool, members: Sequence[Any]) -> Sequence[int]:
    """A core.faster.WholeSteps."""
    everything, total = range(len(members)), sum(member.param.numel() for member in members)
    if total < LEAST or torch.is_grad_enabled():
        return everything
    left: list[int] = []
    for dtype, real in REALS.items():
        rows = [
            (place, _addresses(member, dtype)) for place, member in enumerate(members) if member.param.dtype is dtype
        ]
        taken = [(place, row) for place, row in rows if row is not None]
        kernel = library("rules/adafactor", real) if taken else None
        if kernel is None:
            left += [place for place, _ in rows]
            continue
        left += [place for place, row in rows if row is None]
        own = [members[place] for place, _ in taken]
        numbers = array("d", [number for member in own for number in _numbers(settings, maximize, member)])
        shapes = array("q", [side for member in own for side in _sides(member.param.shape)])
        places = array("q", [address for _, row in taken for address in row])
        increment_version([member.param for member in own])
        _run(kernel.step, (numbers, shapes, places), len(own), total)
    return sorted(left + [place for place in everything if members[place].param.dtype not in REALS])


def _addresses(member: Any, dtype: torch.dtype) -> list[int] | None:
    """Of param, grad and the three states, 0 for those that this tensor has not."""
    states = [member.state.get(name) for name in STATES]
    found = addresses_of([member.param, member.grad, *(one for one in states if one is not None)], dtype)
    if found is None or not member.param.numel():
        return None
    param, grad, *rest = found
    return [param, grad, *(0 if one is None else rest.pop(0) for one in states)]


def _numbers(settings: Mapping[str, Any], maximize: bool, member: Any) -> tuple[float, ...]:
    """In the order of the enum in adafactor.cpp."""
    t, lr, eps1 = float(member.count), float(settings["lr"]), settings["eps1"]
    least = torch.finfo(member.param.dtype).eps if eps1 is None else float(eps1)
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
