"""One step of a recorded update rule on all tensors of a group in one call: the rule's operations, written as C++.

A pass over memory reads and writes each value once; op by op it would be read and written ten times, and each call on a
small tensor costs more than its arithmetic. Each operation is rounded as torch rounds it, so that the bits are those of
the operations one by one, but for the root: here it is the nearest number, while torch's, from MKL, is the next one to
it in one float32 of six and in one float64 of fifty.

The choice between this and the operations one by one depends on sizes alone, never on a clock: a run repeats its bits.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from .addresses import addresses_of
from .compiled import compiled_text

Columns = Sequence[Sequence[Tensor]]
REALS = {torch.float32: "float", torch.float64: "double"}
LEAST = 4096
"""Elements of a group, below which the operations one by one are left in place: nobody waits a second for a compiler
to save some microseconds a step."""
PER_TASK = 2**18
"""Elements per task of the pool; a task is a millisecond of memory traffic at most."""

PARTS = """
#include <cmath>
#include <cstdint>
using R = REAL;
namespace op {  // not to meet the functions of the same names that C has for doubles
#ifdef __FMA__
inline R fma_of(R a, R b, R c) { return std::fma(a, b, c); }
#else
inline R fma_of(R a, R b, R c) { return a * b + c; }
#endif
inline R add(R a, R b) { return a + b; }
inline R sub(R a, R b) { return a - b; }
inline R mul(R a, R b) { return a * b; }
inline R div(R a, R b) { return a / b; }
inline R neg(R a) { return -a; }
inline R square(R a) { return a * a; }
inline R reciprocal(R a) { return R(1) / a; }
inline R abs(R a) { return std::fabs(a); }
inline R sqrt(R a) { return std::sqrt(a); }
inline R rsqrt(R a) { return R(1) / std::sqrt(a); }
inline R sign(R a) { return R(a > 0) - R(a < 0); }
inline R maximum(R a, R b) { return a > b || a != a ? a : b; }
inline R minimum(R a, R b) { return a < b || a != a ? a : b; }
inline R maximum_of(R a, R low) { return a < low ? low : a; }
inline R minimum_of(R a, R high) { return a > high ? high : a; }
inline R lerp(R a, R b, R w) {
  const bool near = std::fabs(w) < R(0.5);
  return fma_of(near ? w : w - R(1), b - a, near ? a : b);
}
inline R addcmul(R a, R b, R c, R value) { return fma_of(value * b, c, a); }
inline R addcdiv(R a, R b, R c, R value) { return a + value * b / c; }
inline R minus(R a, R b, R alpha) { return fma_of(-alpha, b, a); }
}
"""
WRITTEN = frozenset(
    "add sub mul div neg square reciprocal abs sqrt rsqrt sign maximum minimum lerp addcmul addcdiv".split()
)


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
        _call(function, values.buffer_info()[0], 0, sizes, sum(sizes), places)
    return left


def _fits(row: Sequence[Tensor], dtype: torch.dtype) -> bool:
    """Whether a row can be taken: as it is, or all of it in channels_last."""
    return addresses_of(row, dtype) is not None or (
        row[0].is_contiguous(memory_format=torch.channels_last)
        and len({tensor.stride() for tensor in row}) == 1
        and addresses_of([tensor.detach().permute(0, 2, 3, 1) for tensor in row], dtype) is not None
    )


def bind_rows(program: Any, decay: str, tensors: Mapping[str, Tensor]) -> Callable[[Mapping[str, Tensor]], None] | None:
    """A core.faster.RowSteps."""
    param = tensors["param"]
    if param.dtype not in REALS or param.numel() < LEAST or addresses_of([*tensors.values()], param.dtype) is None:
        return None
    names = ("param", "grad", *(name for name in tensors if name not in ("param", "grad")))
    function = _function_of(program, names, decay, False, REALS[param.dtype])
    if function is None:
        return None
    n_trials, wanted, kept = len(param), _numbers_of(program), dict(tensors)
    none, values = (torch.zeros(n_trials, n, dtype=torch.float64) for n in (1, len(wanted)))
    starts = [(kept[name].data_ptr(), kept[name].stride(0) * param.element_size()) for name in names]
    places = array("q", [start + trial * stride for start, stride in starts for trial in range(n_trials)])
    sizes = array("q", [param.shape[1]] * n_trials)

    def move(numbers: Mapping[str, Tensor]) -> None:
        torch.cat([numbers.get(n, none) for n in wanted], 1, out=values)
        _call(function, values.data_ptr(), len(wanted), sizes, kept["param"].numel(), places)

    return move


def _call(function: Any, numbers: int, stride: int, sizes: array[int], total: int, places: array[int]) -> None:
    """places: the first tensor of each row, then the second of each, ...

    stride: how far the numbers of one tensor lie from those of the next; 0 where all have the same.
    """
    call = (numbers, stride, sizes.buffer_info()[0], places.buffer_info()[0], len(sizes))
    threads = torch.get_num_threads()
    if threads == 1 or total <= PER_TASK:
        function(*call, 0, total)
        return
    starts = range(0, total, PER_TASK)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda start: function(*call, start, start + PER_TASK), starts))


@lru_cache(maxsize=None)
def _numbers_of(program: Any) -> list[str]:
    return list(dict.fromkeys((*program.used_numbers, "decay")))


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


# -- the text ----------------------------------------------------------------------------------------------------------


def written(program: Any, names: Sequence[str], decay: str, maximize: bool) -> str | None:
    """One step as C++: elements start..end of n tensors, counted through. names: param, grad, states in their order."""
    lines = ["v_grad = -v_grad;"] if maximize else []
    lines += {"coupled": ["v_grad = op::fma_of(n_decay, v_param, v_grad);"], "decoupled": ["v_param *= n_decay;"]}.get(
        decay, []
    )
    for op in program.tensor_ops:
        line = _line(op, names, {*_numbers_of(program)})
        if line is None:
            return None
        lines.append(line)
    lines += [f"v_{name} = v_{value};" for name, value in program.copies.items()]
    numbers = (f"const R n_{name} = R(numbers[{i}]);" for i, name in enumerate(_numbers_of(program)))
    places = (f"R* __restrict__ p_{name} = places[{i} * n + t];" for i, name in enumerate(names))
    reads = (f"R v_{name} = p_{name}[i];" for name in names)
    writes = (f"p_{name}[i] = v_{name};" for name in names if name != "grad")
    return f"""{PARTS}
extern "C" void step(const double* numbers, int64_t stride, const int64_t* sizes, R* const* places, int64_t n, int64_t start,
                     int64_t end) {{
  for (int64_t t = 0, first = 0; t < n; first += sizes[t++], numbers += stride) {{
    {_joined(numbers, 4)}
    const int64_t from = start > first ? start - first : 0, to = end - first < sizes[t] ? end - first : sizes[t];
    {_joined(places, 4)}
#pragma omp simd
    for (int64_t i = from; i < to; ++i) {{
      {_joined((*reads, *lines, *writes), 6)}
    }}
  }}
}}
"""


def _joined(lines: Iterable[str], by: int = 2) -> str:
    return ("\n" + " " * by).join(lines)


def _line(op: Any, names: Sequence[str], numbers: set[str]) -> str | None:
    """One operation, or None where it is not known."""

    def word(value: Any) -> str:
        if hasattr(value, "text"):
            return f"{'n' if value.text in numbers else 'v'}_{value.text}"
        return f"R({float(value)!r})"

    call, args = op.call.__name__, [word(a) for a in op.args]
    if not op.result:  # the parameter moves
        if call == "_subtract_product":
            is_number = args[2].startswith("n_")
            return f"v_param = op::{'minus' if is_number else 'addcmul'}({', '.join(args)}{'' if is_number else ', R(-1)'});"
        return {
            "sub_": f"v_param = v_param - {args[-1]};",
            "addcdiv_": f"v_param = op::addcdiv({', '.join(args)}, R({op.kwargs.get('value', 1)}));",
        }.get(call)
    if call == "clamp":
        low, high = (word(op.kwargs[name]) if op.kwargs.get(name) is not None else "" for name in ("min", "max"))
        value = f"op::maximum_of({args[0]}, {low})" if low else args[0]
        value = f"op::minimum_of({value}, {high})" if high else value
        known = len(args) == 1
    else:
        value = f"op::{call}({', '.join([*args, *('R(1)' for _ in range(call in ('addcmul', 'addcdiv')))])})"
        known = call in WRITTEN and not op.kwargs
    if not known:
        return None
    kept = f" v_{op.out} = v_{op.result};" if op.out in names else ""
    return f"const R v_{op.result} = {value};{kept}"
