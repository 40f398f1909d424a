"""A metric that runs along: update, compute and reset, the way torchmetrics has them, on any metric of ours."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .errors import MetricError
from .interval import Interval

KEPT_NUMBERS = 2**18
"""Of predictions that wait to be counted: a call of a metric costs as much for one batch as for many."""


class Running:
    """Batches in, the value of all of them out: `m.update(prediction, target)`, `m.compute()`, `m.reset()`.

    `m(prediction, target)` updates and gives the value of that batch alone. `a.merge(b)` adds what b has seen.
    keep_rows: every row is kept, so that any metric has an interval. words: options of the counting and hyperparameters
    of the value.
    """

    def __init__(self, metric: Any, *, keep_rows: bool = False, **words: Any) -> None:
        self.metric, self.keep_rows = metric, keep_rows
        self.options, self.hyper = metric.sorted_words(words)
        metric.check_hyper(self.hyper)
        self.reset()

    @property
    def higher_is_better(self) -> bool:
        return self.metric.best == "max"

    def update(self, prediction: Tensor, target: Tensor, weight: Tensor | None = None) -> None:
        """Take one batch. The first is counted at once, which tells what is wrong with it; the others wait and are counted together."""
        # copies: the next step may write into the same memory
        self._waiting.append((prediction.detach().clone(), target.clone(), None if weight is None else weight.clone()))
        self._n_waiting += prediction.numel()
        if self._n_waiting >= KEPT_NUMBERS or self._state is None:
            self._count()

    def compute(self) -> Tensor:
        """The value of all batches since the last reset."""
        return self.metric.value(self.state, **self.hyper)

    def interval(self, **asked: Any) -> Interval:
        """The same with its interval (see Metric.interval); of sums it needs keep_rows=True."""
        return self.metric.interval(self.state, **asked, **self.hyper)

    def reset(self) -> None:
        self._state: Any = None
        self._waiting: list[tuple[Tensor, Tensor, Tensor | None]] = []
        self._n_waiting = 0

    def merge(self, other: Running) -> None:
        """Add what another one has seen, as of another machine or process."""
        if (other.metric.name, other.keep_rows, other.options) != (self.metric.name, self.keep_rows, self.options):
            raise MetricError(
                where=self.metric.name,
                seen=f"{other.metric.name} with {other.options} is merged into {self.metric.name} with {self.options}",
                needed="the same metric with the same options was needed",
                repair="Make both in the same way.",
            )
        if other.is_empty:
            return
        self._state = other.state if self.is_empty else self.state + other.state

    @property
    def is_empty(self) -> bool:
        return self._state is None and not self._waiting

    @property
    def state(self) -> Any:
        """The additive state of all batches since the last reset."""
        self._count()
        if self._state is None:
            raise MetricError(
                where=self.metric.name,
                seen="no batch since it was made or reset",
                needed="at least one update was needed",
                repair="update(prediction, target) before compute().",
            )
        return self._state

    def forward(self, prediction: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        self.update(prediction, target, weight)
        return self.metric.value(self._counted(prediction, target, weight), **self.hyper)

    __call__ = forward

    def _count(self) -> None:
        waiting, self._waiting, self._n_waiting = self._waiting, [], 0
        for batch in _joined(waiting):
            counted = self._counted(*batch)
            self._state = counted if self._state is None else self._added(counted)

    def _added(self, counted: Any) -> Any:
        if isinstance(counted, Tensor) and counted.shape != self._state.shape:
            raise MetricError(
                where=self.metric.name,
                seen=f"a batch gives a state of shape {tuple(counted.shape)}, those before {tuple(self._state.shape)}",
                needed="every batch must have as many models and classes",
                repair="n_classes= where predictions are class indices."
                if "n_classes" in self.metric.options
                else "Is each batch shaped alike?",
            )
        return self._state + counted

    def _counted(self, prediction: Tensor, target: Tensor, weight: Tensor | None) -> Any:
        count = self.metric.rows if self.keep_rows else self.metric.state
        return count(prediction, target, weight, **self.options)

    def __repr__(self) -> str:
        words = ", ".join(f"{name}={value!r}" for name, value in {**self.options, **self.hyper}.items())
        return f"{self.metric.name}.running({words})"


def _joined(batches: list[tuple[Tensor, Tensor, Tensor | None]]) -> list[tuple[Tensor, Tensor, Tensor | None]]:
    """All in one where the batches are of one model and differ in their number of samples only; else as they are."""
    if len(batches) < 2:
        return batches
    first, target, weight = batches[0]
    alike = all(
        p.shape[1:] == first.shape[1:]
        and t.shape[1:] == target.shape[1:]
        and (w is None) == (weight is None)
        and len(p) == len(t)
        and p.dtype == first.dtype
        for p, t, w in batches
    )
    if not alike or target.dim() > 1 or (weight is not None and weight.dim() > 1):
        return batches
    predictions, targets, weights = zip(*batches)
    return [(torch.cat(predictions), torch.cat(targets), None if weight is None else torch.cat(weights))]
