"""Where many tensors lie in memory, asked in one call: 180 tensors in 12 us, one by one in 45.

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

LOOK = """
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
extern "C" int is_known(const Table* table) { return table->major == 1 && table->look; }
// The number of tensors before the first that is not real, contiguous, of this width and of this machine's memory.
extern "C" int64_t look(const Table* table, void* const* tensors, int64_t n, int32_t bits, char** found) {
  const int32_t memory = 1;
  const uint8_t real = 2;
  for (int64_t i = 0; i < n; ++i) {
    View view;
    if (table->look(tensors[i], &view) != 0) return -1;
    if (view.device != memory || view.kind != real || view.bits != bits || view.lanes != 1) return i;
    if (!is_contiguous(view)) return i;
    found[i] = view.data + view.offset;
  }
  return n;
}
"""


def addresses_of(tensors: Sequence[Tensor], dtype: torch.dtype) -> array[int] | None:
    """The address of each; None where one is not plain, contiguous, of this machine's memory, or of another dtype.

    dtype: float32 or float64.
    """
    if not {*map(type, tensors)} <= PLAIN or not tensors[0].is_cpu:
        return None
    look = _look()
    if look is not None:
        found = array("q", map(id, tensors))
        try:
            return found if look(found, dtype.itemsize * 8) else None
        except (RuntimeError, BufferError):  # one has no memory: sparse, meta
            return None
    plain = [t.data_ptr() for t in tensors if t.dtype is dtype and t.is_cpu and t.is_contiguous()]
    return array("q", plain) if len(plain) == len(tensors) else None


@lru_cache(maxsize=None)
def _look() -> Callable[[array[int], int], bool] | None:
    """Puts addresses in the place of the objects' own, and says whether all of them are of one kind."""
    capsule, built = getattr(Tensor, "__dlpack_c_exchange_api__", None), compiled_text("addresses", LOOK, ())
    if capsule is None or built is None:
        return None
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    open_capsule = ctypes.PYFUNCTYPE(pointer, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    table = open_capsule(capsule, b"dlpack_exchange_api")
    built.is_known.argtypes = [pointer]
    if not built.is_known(table):
        return None
    # With the interpreter's lock held: the functions of the table look at Python objects.
    ask = ctypes.PYFUNCTYPE(number, pointer, pointer, number, ctypes.c_int32, pointer)(("look", built))

    def look(objects: array[int], bits: int) -> bool:
        place, n = objects.buffer_info()
        return ask(table, place, n, bits, place) == n

    return look
