"""Large tensors in large pages: on Linux a fresh buffer of 256 MB costs 65,000 page faults, more time than filling it."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

LARGE_PAGE = 2**21
MADV_HUGEPAGE = 14


def empty_like(x: Tensor) -> Tensor:
    """torch.empty_like; the whole 2 MB pages inside it are asked for as such, which is advice and changes no value."""
    made = torch.empty_like(x)
    n_bytes = made.numel() * made.element_size()
    if n_bytes >= 2 * LARGE_PAGE and made.is_cpu:
        advise = _advise()
        if advise is not None:
            start = -(-made.data_ptr() // LARGE_PAGE) * LARGE_PAGE
            end = (made.data_ptr() + n_bytes) // LARGE_PAGE * LARGE_PAGE
            advise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), MADV_HUGEPAGE)
    return made


@lru_cache(maxsize=None)
def _advise() -> Any:
    """madvise of the C library, or None."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "madvise", None)
