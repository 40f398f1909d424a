"""How many threads of a processor a model is worth: measured on a copy, once for a run that asks for it."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from steepest.core.sealed import sealed

from .batches import leaves
from .layout import Layout
from .quickest import Within, pass_through, quickest


@contextlib.contextmanager
def put_back_threads() -> Iterator[None]:
    """torch's number of threads is afterwards as it was."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)


def fastest_threads(model: nn.Module, inputs: Any, layout: Layout, within: Within) -> int:
    """1, 2, 4 ... up to torch's number: the least that no more threads clearly beat."""
    most = torch.get_num_threads()
    if most == 1 or leaves(inputs)[0].device.type != "cpu":
        return most
    twin = copy.deepcopy(model)
    layout.prepare(twin)

    def with_threads(n: int) -> None:
        torch.set_num_threads(n)
        pass_through(twin, layout.given(inputs), within, layout.kernels())

    numbers = [*(2**k for k in range(most.bit_length()) if 2**k < most), most]
    with put_back_threads(), sealed("threads"):
        return quickest({n: lambda n=n: with_threads(n) for n in numbers}) or most  # type: ignore[misc]
