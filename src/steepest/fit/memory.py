"""A batch that does not fit into memory: an error that says what to do, not one of an allocator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from steepest.core.errors import OutOfMemory

WORDS = ("out of memory", "can't allocate memory", "not enough memory")
"""What CUDA's and the CPU's allocators say."""


@contextmanager
def fitting_into_memory(n_rows: int) -> Iterator[None]:
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(words in str(error) for words in WORDS):
            raise
        raise OutOfMemory(
            where="fit",
            seen=f"a step on {n_rows} rows did not fit into memory ({str(error).splitlines()[0][:120]})",
            needed="a step that fits was needed",
            repair="accumulate=4 sends each batch through in four pieces with the same result; or a smaller batch_size.",
        ) from error
