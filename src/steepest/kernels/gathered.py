"""All that a step of a group needs of its tensors, asked in one call: 60 parameters, two states and a count in 35 us.

The call goes from parameter to gradient and states through Python's own C functions, so nothing is kept between steps
that could have changed.
"""

from __future__ import annotations

import ctypes
import sys
from array import array
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from .addresses import VIEWS, table
from .compiled import compiled_text

GRAD = sys.intern("grad")
GATHER = """
struct Python {
  void *(*item)(void*, intptr_t), *(*attribute)(void*, void*), *(*of_key)(void*, void*), *(*type)(void*);
  int (*append)(void*, void*), (*next)(void*, intptr_t*, void**, void**);
  void (*release)(void*);
  void *grad, *none, *dict, *tensor, *parameter;  // a name, an object, types
};
static void* type_of(const Python* python, void* object) {
  void* found = python->type(object);
  python->release(found);  // the object holds it
  return found;
}
// What a tensor is, or false where it is of another class, or not real and contiguous in this machine's memory.
static bool see(const Table* table, const Python* python, void* object, View* view, void**& seen) {
  void* type = type_of(python, object);
  if (type != python->tensor && type != python->parameter) return false;
  if (table->look(object, view) != 0 || !is_real(*view, view->bits) || !is_contiguous(*view)) return false;
  *seen++ = object, *seen++ = view->shape;
  return true;
}
// What the last step looked at is fetched together: most is the same, and one after another each would be waited for.
static void fetch(void* const* seen, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    for (int64_t line = -1; line < 2; ++line) __builtin_prefetch((const char*)seen[i] + 64 * line);
}
// The state of a parameter. Mostly states lie in the order of the parameters; then no key is hashed, for which a tensor
// calls Python's code. *at: where the next one is looked for; *first, if given, is set to where this one was found.
static void* state_of(const Python* python, void* states, void* param, intptr_t* at, intptr_t* first) {
  void *key, *own;
  if (python->next(states, at, &key, &own) && key == param) return own;
  if (first)
    for (*at = *first = 0; python->next(states, at, &key, &own); *first = *at)
      if (key == param) return own;
  return python->of_key(states, param);
}
static double number_at(const char* place, int32_t bits) {
  return bits == 32 ? double(*(const float*)place) : *(const double*)place;
}
// The parameters with a gradient, n of them, or -1 where something is unusual. Of each its own address, the gradient's,
// and those of its states: column by column, names in their order, the last n_scalars of one element. A column of these
// holds one number, which is returned with its width. All objects stay as long as `kept`. seen, first: what the last
// call looked at, and where in `states` it began.
extern "C" int64_t gather(const Table* table, const Python* python, void* params, int64_t n_params, void* states,
                          void* const* names, int32_t n_names, int32_t n_scalars, int32_t bits, void* kept,
                          char** places, int64_t* sizes, double* numbers, int64_t* widths, void** seen,
                          intptr_t* first) {
  int64_t n = 0, total = 0;
  intptr_t at = *first;
  fetch(seen, 2 * (2 + n_names) * n_params);
  for (int64_t i = 0; i < n_params; ++i) {
    void* param = python->item(params, i);
    View view;
    void* grad = param ? python->attribute(param, python->grad) : nullptr;
    if (!grad) return -1;
    const int failed = grad != python->none && python->append(kept, grad);
    python->release(grad);
    if (failed) return -1;
    if (grad == python->none) continue;
    if (!see(table, python, param, &view, seen) || view.bits != bits) return -1;
    const int64_t size = sizes[n] = elements(view);
    places[n] = view.data + view.offset;
    if (!see(table, python, grad, &view, seen) || view.bits != bits || elements(view) != size) return -1;
    places[n_params + n] = view.data + view.offset;
    void* own = n_names ? state_of(python, states, param, &at, n ? nullptr : first) : nullptr;
    if (n_names && (!own || type_of(python, own) != python->dict)) return -1;
    for (int32_t k = 0; k < n_names; ++k) {
      void* state = python->of_key(own, names[k]);
      if (!state || python->append(kept, state) || !see(table, python, state, &view, seen)) return -1;
      char* place = places[(2 + k) * n_params + n] = view.data + view.offset;
      const int32_t scalar = k - (n_names - n_scalars);
      if (scalar < 0) {
        if (view.bits != bits || elements(view) != size) return -1;
        continue;
      }
      if (elements(view) != 1 || (view.bits != 32 && view.bits != 64)) return -1;
      const double number = number_at(place, view.bits);
      if (n == 0) numbers[scalar] = number, widths[scalar] = view.bits;
      if (number != numbers[scalar] || widths[scalar] != view.bits) return -1;
    }
    total += size, ++n;
  }
  for (int32_t k = 1; k < 2 + n_names && n < n_params; ++k)
    for (int64_t i = 0; i < n; ++i) places[k * n + i] = places[k * n_params + i];
  sizes[n_params] = total;
  return n;
}
extern "C" void put(void* const* places, int64_t n, int64_t bits, double number) {
  for (int64_t i = 0; i < n; ++i)
    if (bits == 32) *(float*)places[i] = float(number);
    else *(double*)places[i] = number;
}
"""


class Gathered:
    """What a step of n parameters reads and writes, of `total` elements.

    places: parameters, gradients, states, column by column. numbers: what the columns of one element hold.
    """

    def __init__(self, params: list[Tensor], n: int, kept: list[Any], arrays: tuple[array[Any], ...]) -> None:
        self._kept = kept  # the objects that the places are of
        self.places, sizes, self.numbers, self._widths = arrays
        self.n, self.sizes, self.total = n, sizes[:n], sizes[-1]
        self.params = params if n == len(params) else [param for param in params if param.grad is not None]

    def put(self, n_before: int, numbers: Sequence[float]) -> None:
        """Give the columns of one element, which come after n_before others, other numbers."""
        start, width = self.places.buffer_info()[0], 8 * self.n
        for place, (new, old) in enumerate(zip(numbers, self.numbers), n_before):
            if new != old:
                _built().put(start + place * width, self.n, self._widths[place - n_before], new)


Gather = Callable[[list[Tensor], Mapping[Tensor, Any], int], "Gathered | None"]


def gather_of(names: Sequence[str], n_scalars: int) -> Gather | None:
    """What gathers parameters, their gradients and states of these names; the last n_scalars are of one element.

    It is given the parameters, the states of each, and the bits of a number, 32 or 64. It gives None where one tensor
    is of another kind than the others, or the numbers of a column are not equal.
    """
    built, known = _built(), table()
    if built is None or known is None:
        return None
    ask, python, n_names = _asker(), ctypes.addressof(_python()), len(names)
    keys = [sys.intern(name) for name in names]
    at_keys = array("q", map(id, keys))
    seen, first = array("q"), array("q", [0])

    def gather(params: list[Tensor], states: Mapping[Tensor, Any], bits: int) -> Gathered | None:
        nonlocal seen
        n = len(params)
        kept: list[Any] = []
        places, sizes = array("q", bytes(8 * n * (2 + n_names))), array("q", bytes(8 * n + 8))
        numbers, widths = array("d", bytes(8 * n_scalars)), array("q", bytes(8 * n_scalars))
        found = (places, sizes, numbers, widths)
        if len(seen) != 2 * len(places):
            seen = array("q", bytes(16 * len(places)))
        addresses = [one.buffer_info()[0] for one in (*found, seen, first)]
        given = (at_keys.buffer_info()[0], n_names, n_scalars, bits, kept)
        try:
            n_found = ask(known, python, params, n, states, *given, *addresses)
        except (RuntimeError, BufferError):  # one has no memory: sparse, meta
            return None
        return Gathered(params, n_found, kept, found) if n_found > 0 else None

    return gather


class _Python(ctypes.Structure):
    """The functions and objects of Python that the C++ calls, in its order."""

    _fields_ = [
        (name, ctypes.c_void_p)
        for name in "item attribute of_key type append next release grad none dict tensor parameter".split()
    ]


@lru_cache(maxsize=None)
def _python() -> _Python:
    names = "List_GetItem Object_GetAttr Dict_GetItemWithError Object_Type List_Append Dict_Next _DecRef".split()
    calls = [ctypes.cast(getattr(ctypes.pythonapi, f"Py{name}"), ctypes.c_void_p).value for name in names]
    return _Python(*calls, *map(id, (GRAD, None, dict, Tensor, torch.nn.Parameter)))


@lru_cache(maxsize=None)
def _asker() -> Any:
    # With the interpreter's lock held: it looks at Python objects.
    pointer, number, small, thing = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int32, ctypes.py_object
    given: list[Any] = [pointer, pointer, thing, number, thing, pointer, small, small, small, thing, *[pointer] * 6]
    return ctypes.PYFUNCTYPE(number, *given)(("gather", _built()))


@lru_cache(maxsize=None)
def _built() -> Any:
    built = compiled_text("gathered", VIEWS + GATHER, ())
    if built is not None:
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        built.put.argtypes, built.put.restype = [pointer, number, number, ctypes.c_double], None
    return built
