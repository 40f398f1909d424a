"""How many threads of a processor a model is worth: measured on a copy, once for a run that asks for it."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from steepest.core.sealed import sealed

from .batches import leaves
from .layout import CLEARLY, ROUNDS, Layout
from .passing import called


@contextlib.contextmanager
def put_back_threads() -> Iterator[None]:
    """torch's number of threads is afterwards as it was."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)


def fastest_threads(
    model: nn.Module, inputs: Any, layout: Layout, within: Callable[[], AbstractContextManager[Any]]
) -> int:
    """1, 2, 4 ... up to torch's number: the least that no more threads clearly beat."""
    most = torch.get_num_threads()
    if most == 1 or leaves(inputs)[0].device.type != "cpu":
        return most
    numbers = [*(2**k for k in range(most.bit_length()) if 2**k < most), most]
    twin = copy.deepcopy(model)
    layout.prepare(twin)
    least = dict.fromkeys(numbers, float("inf"))
    with put_back_threads(), sealed("threads"):
        for n in [n for _ in range(ROUNDS) for n in numbers]:
            torch.set_num_threads(n)
            begun = time.perf_counter()
            with within(), layout.kernels():
                output = called(twin, layout.given(inputs))
            (output if isinstance(output, Tensor) else leaves(output)[0]).float().sum().backward()
            least[n] = min(least[n], time.perf_counter() - begun)
    best = numbers[0]
    for n in numbers:
        if least[n] < CLEARLY * least[best]:
            best = n
    return best
