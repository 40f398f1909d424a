"""Where many tensors lie in memory, asked in one call: 180 tensors in 16 us.

torch hands out a table of C functions by which others may look at its tensors (DLPack's exchange table); a few lines of
C++ go through them. Without a compiler, or in a torch without the table, each tensor is asked by itself.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from .compiled import compiled_text

PLAIN = {Tensor, torch.nn.Parameter}

VIEWS = """
#include <cstdint>
struct View {
  char* data;
  int32_t device, device_id, n_axes;
  uint8_t kind, bits;
  uint16_t lanes;
  int64_t *shape, *strides;
  uint64_t offset;
};
struct Table {
  uint32_t major, minor;
  Table* older;
  void* others[3];
  int (*look)(void*, View*);
};
static bool is_contiguous(const View& view) {
  int64_t step = 1;
  bool in_order = true;
  for (int32_t axis = view.n_axes - 1; axis >= 0; --axis) {
    if (view.shape[axis] == 0) return true;
    if (view.strides && view.shape[axis] != 1) in_order &= view.strides[axis] == step;
    step *= view.shape[axis];
  }
  return in_order;
}
static int64_t elements(const View& view) {
  int64_t n = 1;
  for (int32_t axis = 0; axis < view.n_axes; ++axis) n *= view.shape[axis];
  return n;
}
static bool is_real(const View& view, int32_t bits) {
  const int32_t memory = 1;
  const uint8_t real = 2;
  return view.device == memory && view.kind == real && view.bits == bits && view.lanes == 1;
}
"""
"""What the table tells of a tensor."""

LOOK = """
extern "C" int is_known(const Table* table) { return table->major == 1 && table->look; }
// The number of tensors before the first that is not real, contiguous, of this width and of this machine's memory, or
// has another size than the one that lies n_sizes before it.
extern "C" int64_t look(const Table* table, void* (*item)(void*, intptr_t), void* tensors, int64_t n, int32_t bits,
                        char** found, int64_t* sizes, int64_t n_sizes) {
  for (int64_t i = 0; i < n; ++i) {
    View view;
    void* tensor = item(tensors, i);
    if (!tensor || table->look(tensor, &view) != 0) return -1;
    if (!is_real(view, bits) || !is_contiguous(view)) return i;
    if (i < n_sizes) sizes[i] = elements(view);
    else if (elements(view) != sizes[i % n_sizes]) return i;
    found[i] = view.data + view.offset;
  }
  return n;
}
"""


def addresses_of(tensors: Sequence[Tensor], dtype: torch.dtype) -> array[int] | None:
    """The address of each; None where one is not plain, contiguous, of this machine's memory, or of another dtype.

    dtype: float32 or float64.
    """
    if _look() is not None:
        found = addresses_and_sizes([*tensors], len(tensors), dtype)
        return None if found is None else found[0]
    if not {*map(type, tensors)} <= PLAIN:
        return None
    plain = [t.data_ptr() for t in tensors if t.dtype is dtype and t.is_cpu and t.is_contiguous()]
    return array("q", plain) if len(plain) == len(tensors) else None


def addresses_and_sizes(
    tensors: list[Tensor], n_sizes: int, dtype: torch.dtype
) -> tuple[array[int], array[int]] | None:
    """The address of each, and the number of elements of the first n_sizes, which all that follow repeat; or None."""
    look = _look()
    if look is None or not {*map(type, tensors)} <= PLAIN or not tensors[0].is_cpu:
        return None
    places, sizes = array("q", bytes(8 * len(tensors))), array("q", bytes(8 * n_sizes))
    try:
        is_known = look(tensors, dtype.itemsize * 8, places, sizes)
    except (RuntimeError, BufferError):  # one has no memory: sparse, meta
        return None
    return (places, sizes) if is_known else None


@lru_cache(maxsize=None)
def _built() -> ctypes.CDLL | None:
    built = compiled_text("addresses", VIEWS + LOOK, ())
    if built is not None:
        built.is_known.argtypes = [ctypes.c_void_p]
    return built


@lru_cache(maxsize=None)
def table() -> int | None:
    """The address of torch's table, if it has one that is known here."""
    capsule, built = getattr(Tensor, "__dlpack_c_exchange_api__", None), _built()
    if capsule is None or built is None:
        return None
    open_capsule = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    found = open_capsule(capsule, b"dlpack_exchange_api")
    return found if built.is_known(found) else None


@lru_cache(maxsize=None)
def _look() -> Callable[[list[Tensor], int, array[int], array[int]], bool] | None:
    """Fills in addresses and sizes, and says whether all tensors are of one kind."""
    found, built = table(), _built()
    if found is None or built is None:
        return None
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    item = ctypes.cast(ctypes.pythonapi.PyList_GetItem, pointer).value
    # With the interpreter's lock held: the functions of the table look at Python objects.
    given = (pointer, pointer, ctypes.py_object, number, ctypes.c_int32, pointer, pointer, number)
    ask = ctypes.PYFUNCTYPE(number, *given)(("look", built))

    def look(tensors: list[Tensor], bits: int, places: array[int], sizes: array[int]) -> bool:
        n = len(tensors)
        return ask(found, item, tensors, n, bits, places.buffer_info()[0], *sizes.buffer_info()) == n

    return look
