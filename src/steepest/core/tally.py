"""A tally: how the predictions of a batch become a state that adds up, said once for all metrics of one state."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from .rows import Rows

State = Tensor | Rows


class Tally:
    """Calling it gives the state: `(prediction, target, weight=None, **options) -> state`.

    accept: the same arguments -> Rows, checked. count: Rows -> a state that adds up; without it the rows are the state.
    reads: what the predictions are: "classes", "class scores", "label decisions", "label scores" or "numbers".
    quick: the state of the same arguments by a faster way, or None where it does not serve.
    n_cells: how many last axes of the state count the same samples by disjoint outcomes, so that the state itself can be resampled.
    support: state -> samples of each class (..., C), where a class with few makes an interval too narrow.
    """

    def __init__(
        self,
        accept: Callable[..., Rows],
        count: Callable[[Rows], State] | None = None,
        *,
        reads: str,
        quick: Callable[..., Tensor | None] | None = None,
        n_cells: int = 0,
        support: Callable[[Any], Tensor] | None = None,
    ) -> None:
        self._quick = quick
        self.accept, self._count, self.reads, self.n_cells, self.support = accept, count, reads, n_cells, support
        self.options: Mapping[str, Any] = {
            p.name: p.default for p in inspect.signature(accept).parameters.values() if p.kind is p.KEYWORD_ONLY
        }
        self.__doc__ = accept.__doc__

    def __call__(self, prediction: Any, target: Any, weight: Any = None, **options: Any) -> State:
        if self._quick is not None:
            found = self._quick(prediction, target, weight, **options)
            if found is not None:
                return found
        return self.count(self.accept(prediction, target, weight, **options))

    def count(self, rows: Rows) -> State:
        return rows if self._count is None else self._count(rows)
