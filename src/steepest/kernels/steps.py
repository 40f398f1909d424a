"""One step of a recorded update rule on all tensors of a group in one call: the rule's operations, written as C++.

A pass over memory reads and writes each value once; op by op it would be read and written ten times, and each call on a
small tensor costs more than its arithmetic. Each operation is rounded as torch rounds it, so that the bits are those of
the operations one by one, but for the root: here it is the nearest number, while torch's, from MKL, is the next one to
it in one float32 of six and in one float64 of fifty.

The choice between this and the operations one by one depends on sizes alone, never on a clock: a run repeats its bits.
"""

from __future__ import annotations

import ctypes
import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import accumulate, chain
from typing import Any

import torch
from torch import Tensor

from .addresses import Scalars, addresses_and_sizes, addresses_of, scalars_of
from .compiled import compiled_text
from .step_text import numbers_of, takes_norms, written

Columns = Sequence[Sequence[Tensor]]
REALS = {torch.float32: "float", torch.float64: "double"}
LEAST = 4096
"""Elements of a group, below which the operations one by one are left in place: a compiled step takes a third of their
time at any size, but nobody waits a second for a compiler that has saved as much after 5,000 steps
(bench/executors.py)."""
PER_TASK = 2**18
"""Elements per task of the pool; a task is a millisecond of memory traffic at most."""


def take_steps(
    program: Any, decay: str, maximize: bool, numbers: Mapping[str, Any], names: Sequence[str], columns: Columns
) -> Sequence[int]:
    """A core.faster.Steps."""
    sizes = array("q", [param.numel() for param in columns[0]])
    everything = range(len(sizes))
    if sum(sizes) < LEAST:
        return everything
    dtype = columns[0][0].dtype
    if dtype not in REALS or any([isinstance(numbers[name], Tensor) for name in program.used_numbers]):  # noqa: C419
        return everything
    function = _function_of(program, tuple(names), decay, maximize, REALS[dtype])
    if function is None:
        return everything
    left: list[int] = []
    places = addresses_of([*chain.from_iterable(columns)], dtype)
    if places is None:
        rows = [*zip(*columns)]
        left = [place for place, row in enumerate(rows) if not _fits(row, dtype)]
        kept = [row for row in rows if _fits(row, dtype)]
        sizes = array("q", [row[0].numel() for row in kept])
        places = array("q", [tensor.data_ptr() for column in zip(*kept) for tensor in column])
    if sizes:
        values = array("d", [numbers[name] for name in _numbers_of(program)])
        _call(function, values.buffer_info()[0], 0, sizes, sum(sizes), places, takes_norms(program))
    return left


class ReadyStep:
    """A core.faster.ReadyStep."""

    def __init__(self, columns: Columns, scalars: list[Scalars], wanted: list[str], call: tuple[Any, ...]) -> None:
        self._columns = columns  # which the addresses of the call are of
        self._scalars, self._wanted, self._call = scalars, wanted, call
        self.scalars = [one.value for one in scalars]

    def move(self, numbers: Mapping[str, Any], scalars: Sequence[float]) -> None:
        for column, old, new in zip(self._scalars, self.scalars, scalars):
            if new != old:
                column.put(new)
        values = array("d", [numbers[name] for name in self._wanted])
        function, *rest = self._call
        _call(function, values.buffer_info()[0], 0, *rest)


def ready_step(
    program: Any, decay: str, maximize: bool, names: Sequence[str], columns: Columns, scalars: Sequence[list[Tensor]]
) -> ReadyStep | None:
    """A core.faster.ReadySteps."""
    dtype = columns[0][0].dtype
    found = addresses_and_sizes([*chain.from_iterable(columns)], len(columns[0]), dtype) if dtype in REALS else None
    if found is None or (total := sum(found[1])) < LEAST:
        return None
    function = _function_of(program, tuple(names), decay, maximize, REALS[dtype])
    numbers = [scalars_of(column) for column in scalars]
    known = [one for one in numbers if one is not None]
    if function is None or len(known) < len(numbers):
        return None
    places, sizes = found
    call = (function, sizes, total, places, takes_norms(program))
    return ReadyStep(columns, known, _numbers_of(program), call)


def _fits(row: Sequence[Tensor], dtype: torch.dtype) -> bool:
    """Whether a row can be taken: as it is, or all of it in channels_last."""
    return addresses_of(row, dtype) is not None or (
        row[0].is_contiguous(memory_format=torch.channels_last)
        and len({tensor.stride() for tensor in row}) == 1
        and addresses_of([tensor.detach().permute(0, 2, 3, 1) for tensor in row], dtype) is not None
    )


def bind_rows(program: Any, decay: str, tensors: Mapping[str, Tensor]) -> Callable[[Mapping[str, Any]], None] | None:
    """A core.faster.RowSteps."""
    param = tensors["param"]
    if param.dtype not in REALS or param.numel() < LEAST or addresses_of([*tensors.values()], param.dtype) is None:
        return None
    names = ("param", "grad", *(name for name in tensors if name not in ("param", "grad")))
    function = _function_of(program, names, decay, False, REALS[param.dtype])
    if function is None:
        return None
    n_trials, wanted, kept = len(param), _numbers_of(program), dict(tensors)
    values = torch.zeros(n_trials, len(wanted), dtype=torch.float64)
    columns, written = values.split(1, 1), [0.0] * len(wanted)
    starts = [(kept[name].data_ptr(), kept[name].stride(0) * param.element_size()) for name in names]
    places = array("q", [start + trial * stride for start, stride in starts for trial in range(n_trials)])
    sizes = array("q", [param.shape[1]] * n_trials)

    def move(numbers: Mapping[str, Any]) -> None:
        for i, name in enumerate(wanted):
            value = numbers.get(name, 0.0)
            if isinstance(value, Tensor):
                columns[i].copy_(value)
                written[i] = math.nan
            elif value != written[i]:
                columns[i].fill_(value)
                written[i] = value
        _call(function, values.data_ptr(), len(wanted), sizes, kept["param"].numel(), places)

    return move


def _call(
    function: Any, numbers: int, stride: int, sizes: array[int], total: int, places: array[int], whole: bool = False
) -> None:
    """places: the first tensor of each row, then the second of each, ...

    stride: how far the numbers of one tensor lie from those of the next; 0 where all have the same. whole: no tensor is
    cut, as the function takes norms.
    """
    call = (numbers, stride, sizes.buffer_info()[0], places.buffer_info()[0], len(sizes))
    threads = torch.get_num_threads()
    if threads == 1 or total <= PER_TASK:
        function(*call, 0, total)
        return
    starts = [0, *accumulate(sizes)][:-1] if whole else [*range(0, total, PER_TASK)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda start, end: function(*call, start, end), starts, [*starts[1:], total]))


_numbers_of = lru_cache(maxsize=None)(numbers_of)


@lru_cache(maxsize=None)
def _function_of(
    program: Any, names: tuple[str, ...], decay: str, maximize: bool, real: str
) -> Callable[..., None] | None:
    """The compiled step of a program, or None where it has an operation that is not written here."""
    text = written(program, names, decay, maximize)
    built = None if text is None else compiled_text("step", text, (f"-DREAL={real}", "-ffp-contract=off"))
    if built is None:
        return None
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    built.step.argtypes, built.step.restype = [pointer, number, pointer, pointer, number, number, number], None
    return built.step
