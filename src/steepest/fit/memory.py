"""A batch that does not fit into memory: an error that says what to do, not one of an allocator."""

from __future__ import annotations

from types import TracebackType

from steepest.core.errors import OutOfMemory

WORDS = ("out of memory", "can't allocate memory", "not enough memory")
"""What CUDA's and the CPU's allocators say."""


class FittingIntoMemory:
    """A step on so many rows inside. A class, not a generator: one of those costs a step 5 us."""

    def __init__(self, n_rows: int) -> None:
        self._n_rows = n_rows

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, (MemoryError, RuntimeError)):
            return
        if isinstance(error, RuntimeError) and not any(words in str(error) for words in WORDS):
            return
        raise OutOfMemory(
            where="fit",
            seen=f"a step on {self._n_rows} rows did not fit into memory ({(str(error).splitlines() or [''])[0][:120]})",
            needed="a step that fits was needed",
            repair="accumulate=4 sends each batch through in four pieces with the same result; or a smaller batch_size.",
        ) from error
