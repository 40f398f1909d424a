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
from torch.autograd.graph import increment_version

from .addresses import addresses_of
from .compiled import compiled_text
from .gathered import Gathered, gather_of
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
        increment_version([param for place, param in enumerate(columns[0]) if place not in left])
        values = array("d", [numbers[name] for name in _numbers_of(program)])
        _call(function, values.buffer_info()[0], 0, sizes, sum(sizes), places, takes_norms(program))
    return left


class ReadyStep:
    """A core.faster.ReadyStep."""

    def __init__(self, function: Any, gathered: Gathered, n_columns: int, wanted: list[str], whole: bool) -> None:
        self._function, self._gathered, self._n_columns, self._wanted = function, gathered, n_columns, wanted
        self._whole = whole
        self.scalars = gathered.numbers

    def move(self, numbers: Mapping[str, Any], scalars: Sequence[float]) -> None:
        own = self._gathered
        own.put(self._n_columns, scalars)
        increment_version(own.params)
        values = array("d", [numbers[name] for name in self._wanted])
        _call(self._function, values.buffer_info()[0], 0, own.sizes, own.total, own.places, self._whole)


def ready_steps(
    program: Any, decay: str, maximize: bool, names: Sequence[str], scalar_names: Sequence[str]
) -> Callable[[list[Tensor], Mapping[Tensor, Any]], ReadyStep | None] | None:
    """A core.faster.ReadySteps."""
    gather = gather_of([*names[2:], *scalar_names], len(scalar_names))
    if gather is None:
        return None
    wanted, whole, functions = _numbers_of(program), takes_norms(program), {}

    def ready(params: list[Tensor], states: Mapping[Tensor, Any]) -> ReadyStep | None:
        dtype = params[0].dtype
        found = gather(params, states, dtype.itemsize * 8) if dtype in REALS else None
        if found is None or found.total < LEAST:
            return None
        if dtype not in functions:
            functions[dtype] = _function_of(program, tuple(names), decay, maximize, REALS[dtype])
        function = functions[dtype]
        return None if function is None else ReadyStep(function, found, len(names), wanted, whole)

    return ready


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
        increment_version(kept["param"])
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
