"""The C++ of a step: one pass over a tensor, after a pass for each norm of the whole tensor that the rule asks for.

What the pass for norms makes of elements is not made again where that spares the last pass arrays: states are written
at once, and what is read again is kept. So LAMB's last pass reads the parameters and the kept steps instead of four
arrays, and takes no roots and quotients again: 54 -> 40 ms for 50M numbers in 200 tensors (bench/optim.py).

A pass over a large tensor walks through several parts of it side by side, each at another place of its page of memory:
the processor fetches ahead within pages only, so that with one part all arrays of a step wait at the same moment
(bench/walks.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

PARTS = """
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
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
inline R gt(R a, R b) { return R(a > b); }
inline R and_(R a, R b) { return R(a != 0 && b != 0); }
inline R where(R a, R b, R c) { return a != 0 ? b : c; }
inline R ones_like(R) { return R(1); }
}
constexpr int64_t PAGE = 4096 / sizeof(R), BLOCK = 64, LANES = 16;
constexpr int64_t KEPT = (16 << 20) / sizeof(R);  // Elements of a tensor of which values are kept between passes.
// The length of each of n parts; 0 where they would have fewer than 4 pages. What is left over comes after them.
inline int64_t part_of(int64_t size, int64_t n) {
  const int64_t shift = n > 1 ? PAGE / n : 0, pages = (size / n - shift) / PAGE;
  return pages < 4 ? 0 : pages * PAGE + shift;
}
template <int n, typename Of> inline void each(int64_t from, int64_t to, Of of) {
  const int64_t part = part_of(to - from, n);
  for (int64_t at = from; at < from + part; at += BLOCK)
    for (int64_t i = at; i < at + n * part; i += part) {
#pragma omp simd
      for (int64_t j = i; j < i + BLOCK; ++j) of(j);
    }
#pragma omp simd
  for (int64_t i = from + n * part; i < to; ++i) of(i);
}
// The same of functions that add up: each is told to which of LANES sums.
template <int n, typename Of> inline void each_to_lanes(int64_t from, int64_t to, Of of) {
  const int64_t part = part_of(to - from, n);
  for (int64_t at = from; at < from + part; at += BLOCK)
    for (int64_t i = at; i < at + n * part; i += part)
      for (int64_t j = i; j < i + BLOCK; j += LANES) {
#pragma omp simd
        for (int64_t lane = 0; lane < LANES; ++lane) of(j + lane, lane);
      }
  int64_t i = from + n * part;
  for (; i + LANES <= to; i += LANES) {
#pragma omp simd
    for (int64_t lane = 0; lane < LANES; ++lane) of(i + lane, lane);
  }
  for (; i < to; ++i) of(i, 0);
}
"""
WRITTEN = frozenset(
    "add sub mul div neg square reciprocal abs sqrt rsqrt sign maximum minimum lerp addcmul addcdiv".split()
    + "gt and_ where ones_like".split()
)


def parts_of(n_arrays: int) -> int:
    """How many parts of its tensors a pass walks through side by side: at most 16 places are fetched ahead at once."""
    return next(n for n in (4, 2, 1) if n * n_arrays <= 16 or n == 1)


def numbers_of(program: Any) -> list[str]:
    """The numbers that a step reads, in their order."""
    return list(dict.fromkeys((*program.used_numbers, "decay")))


def written(program: Any, names: Sequence[str], decay: str, maximize: bool) -> str | None:
    """One step of elements start..end of n tensors, counted through; None where an operation is not known.

    names: param, grad, states in their order. A rule that takes norms is given whole tensors.
    """
    text = Text(program, names, decay, maximize)
    if not text.is_known:
        return None
    numbers = (f"const R n_{name} = R(numbers[{i}]);" for i, name in enumerate(numbers_of(program)))
    places = (f"R* __restrict__ p_{name} = places[{i} * n + t];" for i, name in enumerate(names))
    return f"""{PARTS}
extern "C" void step(const double* numbers, int64_t stride, const int64_t* sizes, R* const* places, int64_t n,
                     int64_t start, int64_t end) {{
  {_joined(text.of_memory())}
  for (int64_t t = 0, first = 0; t < n; first += sizes[t++], numbers += stride) {{
    {_joined(numbers, 4)}
    const int64_t from = start > first ? start - first : 0, to = end - first < sizes[t] ? end - first : sizes[t];
    if (to <= from) continue;
    {_joined(places, 4)}
    {_joined([*text.of_norms(), *text.of_last()], 4)}
  }}
}}
"""


class Text:
    """Lines of a step. v_: of one element; s_: of the whole tensor, a norm or made of norms; n_: a given number."""

    def __init__(self, program: Any, names: Sequence[str], decay: str, maximize: bool) -> None:
        self.program, self.names, self.numbers = program, names, set(numbers_of(program))
        self.first = ["v_grad = -v_grad;"] if maximize else []
        if decay == "coupled":
            self.first.append("v_grad = op::fma_of(n_decay, v_param, v_grad);")
        if decay == "decoupled":
            self.first.append("v_param *= n_decay;")
        self.scalars: set[str] = set()
        for op in program.tensor_ops:
            if _is_norm(op) or (op.result and op.names() <= self.scalars | self.numbers):
                self.scalars.add(op.result)
        lines = {op.result: self.line(op) for op in program.tensor_ops}
        self.is_known, self.lines = None not in lines.values(), lines
        self.early, self.kept = self.made_once()

    def reads(self) -> Iterable[str]:
        return [*(f"R v_{name} = p_{name}[i];" for name in self.names), *self.first]

    def made_once(self) -> tuple[dict[str, Any], dict[str, str]]:
        """What only the pass for norms makes: value -> its state, if any. And what is read again of it: value -> where.

        Nothing where no array is spared, where a norm waits for another, or where a state is read as it was before.
        """
        ops, here = self.program.tensor_ops, {*self.names}
        asked = {name for op in ops if _is_norm(op) for name in op.names()}
        first = self.needed_for(asked)
        early = {op.result: op.out if op.out in here else None for op in first}
        later = (op.names() for op in ops if op.result not in early and not _is_norm(op))
        read = {"param", *self.program.copies.values()}.union(*later)
        again = [name for name in early if name in read]
        spared = (here & asked.union(*(op.names() for op in first))) - read
        if self.scalars_under(asked) or read & {*early.values()} or len(spared) <= len(again):
            return {}, {}
        places = (f"p_{early[name]}[i]" if early[name] else f"kept[{k} * KEPT + i]" for k, name in enumerate(again))
        return early, dict(zip(again, places))

    def of_memory(self) -> list[str]:
        """Where values are kept. What finds no place there is made twice."""
        if not self.early:
            return []
        size = f"{len(self.kept)} * KEPT * sizeof(R)"
        return [
            f"const std::unique_ptr<void, void (*)(void*)> memory(std::aligned_alloc(64, {size}), std::free);",
            "R* __restrict__ const kept = static_cast<R*>(memory.get());",
        ]

    def of_last(self) -> list[str]:
        """The last pass, which writes what is not yet written."""
        ops = [op for op in self.program.tensor_ops if op.result not in self.scalars]
        copies = [f"v_{name} = v_{value};" for name, value in self.program.copies.items()]
        whole = [*self.reads(), *self.lines_of(ops), *copies, *_writes(self.names)]
        if not self.early:
            return _loop(f"each<{parts_of(len(self.names))}>", "from, to", "[=](int64_t i)", whole)
        left = [op for op in ops if op.result not in self.early]
        unwritten = [name for name in self.names if name not in ("grad", *self.early.values())]
        found = [f"const R v_{name} = {place};" for name, place in self.kept.items()]
        body = [*self.reads(), *found, *self.lines_of(left), *copies, *_writes(unwritten)]
        arrays = {*self.names} & {*unwritten}.union(*(op.names() for op in left))
        return [
            *_loop(f"each<{parts_of(len(arrays) + len(found))}>", "from, kept_to", "[=](int64_t i)", body),
            *_loop(f"each<{parts_of(len(self.names))}>", "kept_to, to", "[=](int64_t i)", whole),
        ]

    def lines_of(self, ops: Iterable[Any]) -> list[str]:
        return [str(self.lines[op.result]) for op in ops]

    def of_norms(self) -> list[str]:
        """What is made of whole tensors: a pass for the norms that wait for no other, then what follows from them."""
        found: list[str] = []
        known: set[str] = set()
        left = [op for op in self.program.tensor_ops if op.result in self.scalars]
        while left:
            together = [op for op in left if _is_norm(op) and self.scalars_under(op.names()) <= known]
            found += self.one_pass(together)
            known |= {op.result for op in together}
            for op in left:
                if not _is_norm(op) and op.names() & self.scalars <= known:
                    found.append(str(self.lines[op.result]))
                    known.add(op.result)
            left = [op for op in left if op.result not in known]
        return found

    def one_pass(self, norms: Sequence[Any]) -> list[str]:
        """The loop that adds up squares of what it makes of elements, and writes what the last pass is not to make."""
        of = {op.result: name for op in norms for name in op.names()}
        needed = self.needed_for({*of.values()})
        n_read = len({*self.names} & {*of.values()}.union(*(op.names() for op in needed)))
        lanes = ", ".join(f"l_{result}[LANES] = {{}}, q_{result} = 0" for result in of)
        sums = [f"l_{result}[lane] += double(v_{name}) * double(v_{name});" for result, name in of.items()]
        body, given = [*self.reads(), *self.lines_of(needed), *sums], "[&](int64_t i, int64_t lane)"
        found = [f"double {lanes};"]
        if self.early:
            kept = [f"{place} = v_{name};" for name, place in self.kept.items() if not self.early[name]]
            states = _writes(filter(None, self.early.values()))
            found += ["const int64_t kept_to = !kept ? from : to < KEPT ? to : KEPT;"]
            walk = f"each_to_lanes<{parts_of(n_read + len(kept))}>"
            found += _loop(walk, "from, kept_to", given, [*body, *kept, *states])
        found += _loop(f"each_to_lanes<{parts_of(n_read)}>", "kept_to, to" if self.early else "from, to", given, body)
        found += ["for (int64_t lane = 0; lane < LANES; ++lane) {"]
        found += [*(f"q_{result} += l_{result}[lane];" for result in of), "}"]
        return [*found, *(f"const R s_{result} = R(std::sqrt(q_{result}));" for result in of)]

    def needed_for(self, names: set[str]) -> list[Any]:
        """The operations on elements from which values are made, in their order."""
        needed, found = {*names}, []
        for op in reversed(self.program.tensor_ops):
            if op.result in needed and op.result not in self.scalars:
                needed |= op.names()
                found.append(op)
        return found[::-1]

    def scalars_under(self, names: set[str]) -> set[str]:
        """The values of whole tensors from which values of elements are made."""
        return self.scalars & names.union(*(op.names() for op in self.needed_for(names)))

    def word(self, value: Any) -> str:
        if not hasattr(value, "text"):
            return f"R({float(value)!r})"
        name = value.text
        return f"{'n' if name in self.numbers else 's' if name in self.scalars else 'v'}_{name}"

    def line(self, op: Any) -> str | None:
        """One operation, or None where it is not known."""
        call, args = op.call.__name__, [self.word(a) for a in op.args]
        if _is_norm(op):
            return ""
        if not op.result:
            return self.move(op, call, args)
        if call == "clamp":
            low, high = (self.word(op.kwargs[n]) if op.kwargs.get(n) is not None else "" for n in ("min", "max"))
            value = f"op::maximum_of({args[0]}, {low})" if low else args[0]
            value = f"op::minimum_of({value}, {high})" if high else value
            known = len(args) == 1
        else:
            value = f"op::{call}({', '.join([*args, *('R(1)' for _ in range(call in ('addcmul', 'addcdiv')))])})"
            known = call in WRITTEN and not op.kwargs
        kept = f" v_{op.out} = v_{op.result};" if op.out in self.names else ""
        return f"const R {'s' if op.result in self.scalars else 'v'}_{op.result} = {value};{kept}" if known else None

    def move(self, op: Any, call: str, args: list[str]) -> str | None:
        """How the parameter moves."""
        if call == "_subtract_product":
            is_number = args[2].startswith("n_")
            more = "" if is_number else ", R(-1)"
            return f"v_param = op::{'minus' if is_number else 'addcmul'}({', '.join(args)}{more});"
        return {
            "sub_": f"v_param = v_param - {args[-1]};",
            "addcdiv_": f"v_param = op::addcdiv({', '.join(args)}, R({op.kwargs.get('value', 1)}));",
        }.get(call)


def takes_norms(program: Any) -> bool:
    """Whether a step needs whole tensors."""
    return any(map(_is_norm, program.tensor_ops))


def _is_norm(op: Any) -> bool:
    return op.call.__name__ == "norm"


def _writes(names: Iterable[str]) -> list[str]:
    return [f"p_{name}[i] = v_{name};" for name in names if name != "grad"]


def _loop(walk: str, bounds: str, given: str, body: Iterable[str]) -> list[str]:
    return [f"{walk}({bounds}, {given} {{", *(f"  {line}" for line in body), "});"]


def _joined(lines: Iterable[str], by: int = 2) -> str:
    return ("\n" + " " * by).join(lines)
