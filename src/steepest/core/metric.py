"""A metric: the value of a state that adds up over any cut of the data, for one model or K at once, with its interval."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from . import interval as intervals
from .domains import OneOf
from .errors import DomainError, MetricError, ShapeError, UsageError, did_you_mean
from .interval import Grown, Interval
from .item import Item
from .resample import replicates as resampled
from .rows import Rows
from .running import Running
from .tally import State, Tally

Share = Callable[..., "tuple[Tensor, Tensor] | None"]
Bounds = Callable[..., "tuple[Tensor, Tensor] | None"]


class Metric(Item):
    """A metric: `value(state)` of an additive state, for one model or for K stacked ones at once.

    counts: `(prediction, target, weight) -> state`, best a Tally; states of disjoint batches add up to that of their union.
    best: "max" or "min". unit: "share" (shown as percent points), "target" or "target squared" or "".
    slow: where there is no twin, `(prediction, target, weight) -> value` on plain lists, written from the definition.
    share: `(state, *, hyper) -> (hits, tries)` where the value is hits / tries of samples that come one by one, else None.
    bounds: an interval in closed form under its name, `(state, level, *, hyper) -> (low, high) or None`.
    grown: how its interval is made of replicates where every sample makes the value too large.
    caution: what every interval says, where no sample of this kind tells how far off the value may be.
    counts_samples: the value depends on how many samples there are, so that a weight of 2 means two samples.
    usual: shown beside the one that was asked for. avoid: when not to choose it; differs: what other libraries do otherwise.
    """

    kind = "metric"

    def __init__(
        self,
        fn: Callable[..., Tensor],
        *,
        counts: Callable[..., State],
        task: str,
        best: Literal["max", "min"],
        unit: str,
        use: str,
        source: str,
        formula: str = "",
        equals: str | None = None,
        equals_with: Mapping[str, Any] | None = None,
        slow: Callable[..., float] | None = None,
        share: Share | None = None,
        bounds: Mapping[str, Bounds] | None = None,
        grown: Grown | None = None,
        caution: str = "",
        counts_samples: bool = False,
        usual: bool = False,
        avoid: str = "",
        differs: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(fn, source=source, use=use)
        self.counts, self.task, self.best, self.unit, self.formula = counts, task, best, unit, formula
        self.equals, self.equals_with = equals, dict(equals_with or {})
        self.slow, self.share, self.bounds = slow, share, dict(bounds or {})
        self.grown, self.caution, self.counts_samples = grown, caution, counts_samples
        self.usual, self.avoid, self.differs = usual, avoid, dict(differs or {})

    # -- values ------------------------------------------------------------------------------------------------------

    def state(self, prediction: Tensor, target: Tensor, weight: Tensor | None = None, **options: Any) -> Any:
        """The additive state of a batch. prediction (K, N, ...) or (N, ...); target (N,) or (K, N); the state has the same lead."""
        return self.counts(prediction, target, weight, **options)

    def rows(self, prediction: Tensor, target: Tensor, weight: Tensor | None = None, **options: Any) -> Rows:
        """The same with the samples kept: a state that can be resampled and cut into slices. `+` joins them."""
        return self.tally.accept(prediction, target, weight, **options)

    def value(self, state: Any, **hyper: Any) -> Tensor:
        """The metric of a state: a scalar, or (K,) for K models."""
        self.check_hyper(hyper)
        return self.fn(self._counted(state), **hyper)

    def per_class(self, state: Any, **hyper: Any) -> Tensor:
        """One value for each class (..., C), before any average."""
        return self.value(state, **{**hyper, **self._each_class()})

    def __call__(
        self,
        prediction: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        *,
        options: Mapping[str, Any] | None = None,
        **hyper: Any,
    ) -> Tensor:
        counted, valued = self.sorted_words(hyper)
        return self.value(self.state(prediction, target, weight, **{**(options or {}), **counted}), **valued)

    # -- intervals ---------------------------------------------------------------------------------------------------

    def interval(
        self,
        state: Any,
        *,
        level: float = 0.95,
        method: str = "auto",
        replicates: int = 1000,
        seed: int = 0,
        groups: Tensor | None = None,
        **hyper: Any,
    ) -> Interval:
        """The value with bounds that hold the true one in `level` of all samples like this one.

        state: counts of classes, or `rows`. method: "wilson" or "clopper_pearson" where the value is a share of samples,
        the closed form that the metric declares ("delong"), or "bootstrap": percentiles of the value of resampled states,
        corrected for bias and skew; "auto" takes the first that there is. groups (N,): samples that belong together, such as
        the pixels of an image, are drawn together. Fewer than 200 samples, or a class of fewer than 10, are told in `note`.
        """
        asked: dict[str, Any] = dict(level=level, method=method, replicates=replicates, seed=seed, groups=groups)
        return self.intervals(state, [(self, hyper)], **asked)[0]

    def intervals(
        self,
        state: Any,
        wanted: Sequence[Metric | tuple[Metric, Mapping[str, Any]]],
        *,
        level: float = 0.95,
        method: str = "auto",
        replicates: int = 1000,
        seed: int = 0,
        groups: Tensor | None = None,
    ) -> list[Interval]:
        """Those of several metrics of one state, each alone or with its hyperparameters; the same draws serve them all."""
        _check_asked(self.name, level, replicates)
        if groups is not None and isinstance(state, Rows) and groups.shape != (len(state),):
            raise ShapeError(
                where=self.name,
                seen=f"groups has shape {tuple(groups.shape)} and there are {len(state)} samples",
                needed="one number per sample was needed",
                repair="groups=torch.tensor([...]), the image, patient or document of each sample.",
            )
        counted = self._counted(state)
        found: list[Interval] = []
        open_ones: list[tuple[int, Metric, Mapping[str, Any]]] = []
        for each, hyper in (pair if isinstance(pair, tuple) else (pair, {}) for pair in wanted):
            each.check_hyper(hyper)
            at = each._closed(counted, state, level, method, groups, dict(hyper))
            if at.method == "bootstrap":
                open_ones.append((len(found), each, hyper))
            found.append(at)
        if open_ones:
            functions = [
                partial(each.grown.of, sample=counted, **hyper) if each.grown else partial(each.fn, **hyper)
                for _, each, hyper in open_ones
            ]
            drawn = resampled(self.tally, self.name, functions, state, replicates, seed, groups)
            for (place, each, hyper), own in zip(open_ones, drawn):
                at = found[place]
                if each.grown:
                    raw = each.grown.raw(counted, **hyper)
                    low, high = each.grown.bounds(counted, own.values, level, **hyper)
                    at = replace(at, note=at.note or each.grown.note(raw, own.values, high - low))
                else:
                    low, high = intervals.from_replicates(at.value, own, level)
                found[place] = replace(at, low=low, high=high)
        return [_with_note(at) for at in found]

    def difference(
        self,
        a: Rows,
        b: Rows,
        *,
        level: float = 0.95,
        replicates: int = 1000,
        seed: int = 0,
        groups: Tensor | None = None,
        **hyper: Any,
    ) -> Interval:
        """value(a) - value(b) of two models on the same samples in the same order, with its paired bootstrap interval."""
        self.check_hyper(hyper)
        _check_asked(self.name, level, replicates)
        if not (isinstance(a, Rows) and isinstance(b, Rows)) or len(a) != len(b):
            raise ShapeError(
                where=self.name,
                seen="two states that do not hold the same samples",
                needed="the rows of both models, sample by sample, were needed",
                repair=f"metrics.{self.name}.rows(prediction, target) of each model on the same data.",
            )
        value = self.value(a, **hyper) - self.value(b, **hyper)
        functions = [partial(self.fn, **hyper)]
        one, other = (resampled(self.tally, self.name, functions, rows, replicates, seed, groups)[0] for rows in (a, b))
        low, high = intervals.from_replicates(value, one - other, level)
        n, rarest = self._size(a, self._counted(a), groups)
        return _with_note(Interval(value, low, high, level, "paired bootstrap", n, intervals.few(n, rarest)))

    def running(self, *, keep_rows: bool = False, **words: Any) -> Running:
        """An object with update, compute and reset, as torchmetrics has them; words: options and hyperparameters.

        keep_rows: every row is kept, so that any metric has an interval.
        """
        return Running(self, keep_rows=keep_rows, **words)

    # -- what it is made of ------------------------------------------------------------------------------------------

    @property
    def tally(self) -> Tally:
        if isinstance(self.counts, Tally):
            return self.counts
        raise MetricError(
            where=self.name,
            seen="it counts by a plain function",
            needed="a Tally, which keeps rows, was needed",
            repair="counts=Tally(accept, count, reads=...), see steepest.core.tally.",
        )

    @property
    def options(self) -> Mapping[str, Any]:
        """What may be said when rows are counted, with the defaults."""
        if isinstance(self.counts, Tally):
            return self.counts.options
        parameters = inspect.signature(self.counts).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    @property
    def asks_from_logits(self) -> bool:
        """Whether it must be told if the predictions are logits or probabilities."""
        return "from_logits" in self.options

    def sorted_words(self, words: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Words for the counting and words for the value; what neither takes is refused."""
        unknown = [name for name in words if name not in self.hyper and name not in self.options]
        if unknown:
            raise UsageError(
                where=self.name,
                seen=f"there is no argument {unknown[0]!r}",
                needed="a declared argument was needed",
                repair=did_you_mean(unknown[0], [*self.hyper, *self.options]),
            )
        counted = {name: value for name, value in words.items() if name not in self.hyper}
        return counted, {name: value for name, value in words.items() if name in self.hyper}

    def _counted(self, state: Any) -> Any:
        return self.tally.count(state) if isinstance(state, Rows) else state

    def _each_class(self) -> dict[str, Any]:
        domain = self.hyper["average"].domain if "average" in self.hyper else None
        if not isinstance(domain, OneOf) or not domain.holds("none"):
            raise MetricError(
                where=self.name,
                seen="one value for all classes",
                needed="a metric that averages over classes was needed",
                repair="precision, recall or f1 have one value per class.",
            )
        return {"average": "none"}

    def _share(self, counted: Any, state: Any, hyper: dict[str, Any]) -> tuple[Tensor, Tensor] | None:
        """Hits and tries in samples of equal weight, or None where the value is no share or the weights are not known."""
        found = self.share(counted, **hyper) if self.share is not None else None
        if found is None:
            return None
        hits, tries = (t.cpu() for t in found)
        if isinstance(state, Rows):
            if state.weight is not None:
                squares = state.weight.square().sum(-1).cpu()
                factor = torch.where(squares > 0, state.weight.sum(-1).cpu() / squares, 0.0)
                factor = factor.reshape((*factor.shape, *(1,) * (tries.dim() - factor.dim())))
                hits, tries = hits * factor, tries * factor
        elif bool((tries != tries.round()).any()):  # NaN too: then nothing is known
            return None
        return hits, tries

    def _closed(
        self, counted: Any, state: Any, level: float, method: str, groups: Tensor | None, hyper: dict[str, Any]
    ) -> Interval:
        """The interval in closed form where there is one; else one whose bounds are to come, with method "bootstrap"."""
        value = self.fn(counted, **hyper)
        share = self._share(counted, state, hyper) if groups is None else None
        by_share = (intervals.wilson, intervals.clopper_pearson) if share is not None else ()
        closed: dict[str, tuple[Tensor, Tensor]] = {}
        for key, function in self.bounds.items() if groups is None and method in ("auto", *self.bounds) else ():
            found = function(counted, level, **hyper)
            closed |= {} if found is None else {key: found}
        known = [*(f.__name__ for f in by_share), *closed, "bootstrap"]
        if method not in ("auto", *known):
            raise UsageError(
                where=self.name,
                seen=f"method={method!r}",
                needed=f"one of {', '.join(known)} was needed here",
                repair='method="auto" takes the first of them.',
            )
        name = known[0] if method == "auto" else method
        n, rarest = self._size(state, counted, groups)
        for each in by_share:
            if each.__name__ == name and share is not None:
                closed[name] = each(*share, level)
        low, high = (bound.to(value.device) for bound in closed.get(name, (value, value)))
        note = " ".join(text for text in (self.caution, intervals.few(n, rarest)) if text)
        return Interval(value, low, high, level, name, n, note)

    def _size(self, state: Any, counted: Any, groups: Tensor | None) -> tuple[float, float]:
        """Samples, and those of the rarest class that occurs."""
        if groups is not None:
            return float(len(groups.unique())), math.inf
        n = math.inf
        if isinstance(state, Rows):
            n = state.n_effective
        elif isinstance(counted, Tensor) and self.tally.n_cells:
            n = float(counted.sum(tuple(range(-self.tally.n_cells, 0))).min())
        if self.tally.support is None:
            return n, math.inf
        support = self.tally.support(counted)
        occurs = support[support > 0]
        return n, float(occurs.min()) if occurs.numel() else 0.0


def _with_note(at: Interval) -> Interval:
    if at.note or not bool(((at.low == at.high) & (at.low == at.value)).any()):
        return at
    return replace(at, note="Every replicate gives this same value: the sample does not tell how far off it may be.")


def _check_asked(where: str, level: float, replicates: int) -> None:
    if not 0 < level < 1:
        raise DomainError(
            where=where, seen=f"level is {level!r}", needed="it must lie between 0 and 1", repair="0.95 is common."
        )
    if replicates < 100:
        raise DomainError(
            where=where,
            seen=f"replicates is {replicates!r}",
            needed="at least 100 were needed",
            repair="1000 tell the bounds to about a tenth of a standard error.",
        )


def metric(
    *,
    counts: Callable[..., State],
    task: str,
    best: Literal["max", "min"],
    unit: str,
    use: str,
    source: str,
    formula: str = "",
    equals: str | None = None,
    equals_with: Mapping[str, Any] | None = None,
    slow: Callable[..., float] | None = None,
    share: Share | None = None,
    bounds: Mapping[str, Bounds] | None = None,
    grown: Grown | None = None,
    caution: str = "",
    counts_samples: bool = False,
    usual: bool = False,
    avoid: str = "",
    differs: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., Tensor]], Metric]:
    """Declare a metric (see Metric); equals: dotted name of the scikit-learn function that is its oracle."""

    def declare(fn: Callable[..., Tensor]) -> Metric:
        return Metric(
            fn,
            counts=counts,
            task=task,
            best=best,
            unit=unit,
            use=use,
            source=source,
            formula=formula,
            equals=equals,
            equals_with=equals_with,
            slow=slow,
            share=share,
            bounds=bounds,
            grown=grown,
            caution=caution,
            counts_samples=counts_samples,
            usual=usual,
            avoid=avoid,
            differs=differs,
        )

    return declare
