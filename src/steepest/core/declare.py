"""The eight declarations: @loss @weighting @rule @schedule @metric @check @dataset @section. What is declared is what is tested.

A decorator turns one pure function into an Item that carries its facts and claims. There is no registry: an item is found
because its file lies in the folder (core.discover), or because a package names its module under the entry point "steepest.items".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from .claims import Claim
from .counts import accept_counts
from .domains import Search
from .item import Item
from .loss import Loss
from .targets import TargetKind

Body = Callable[..., Any]
Decay = Literal["coupled", "decoupled", "none"]
LooksAt = Literal["elementwise", "matrix", "tree"]


def loss(
    *,
    target: TargetKind,
    task: str | Sequence[str],
    use: str,
    source: str,
    formula: str | None = None,
    slow: Callable[..., Any] | None = None,
    equals: str | None = None,
    equals_with: Mapping[str, Any] | None = None,
    equals_input: Callable[[Tensor], Tensor] | None = None,
    claims: Sequence[Claim] = (),
    expects: str = "values",
    search: Mapping[str, Search] | None = None,
    safe: tuple[float, float] = (0.0, 0.0),
    class_name: str | None = None,
    good_for: Sequence[str] = (),
    avoid: str = "",
    differs: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., Tensor]], Loss]:
    """Declare a loss: `(input, target, *, hyper) -> values per item`, or per class with class targets (see core.targets.Classes).

    formula: sympy text of one item in x, y and the hyperparameters (x[j], y, C with class targets); or slow: a plain function.
    equals: dotted name of a twin class (torch.nn.HuberLoss), equals_with: its arguments that make it equal, equals_input: what
    the twin takes instead of the input. A hyperparameter of the same name is passed on to the twin.
    task: "regression", "classification", "binary", ...; use: when to choose it, one sentence; source: paper with doi or arXiv id.
    good_for: the situations (core.situations) in which it is suggested; where it names none, its `use` sentence is read.
    avoid: when not to choose it, and what to take instead, one sentence. differs: what other libraries call it ("torchvision
    sigmoid_focal_loss") and where that departs from ours, in meaning, scale, default or denominator.
    """

    def declare(fn: Callable[..., Tensor]) -> Loss:
        return Loss(
            fn,
            target=target,
            task=task,
            use=use,
            source=source,
            formula=formula,
            slow=slow,
            equals=equals,
            equals_with=equals_with,
            equals_input=equals_input,
            claims=claims,
            expects=expects,
            search=search,
            safe=safe,
            class_name=class_name,
            good_for=good_for,
            avoid=avoid,
            differs=differs,
        )

    return declare


class Weighting(Item):
    """A weighting scheme: `(counts, *, hyper) -> weights`, both float64 (*, C): training samples of each class, and what one counts.

    Calling the item gives weights whose mean over those training samples is 1, so a loss keeps its size and its learning
    rate. A class that was never seen weighs as one that was seen once.
    """

    kind = "weighting"

    def __init__(
        self,
        fn: Callable[..., Tensor],
        *,
        use: str,
        source: str,
        formula: str = "",
        claims: Sequence[Claim] = (),
        search: Mapping[str, Search] | None = None,
    ) -> None:
        super().__init__(fn, source=source, use=use, search=search)
        self.formula, self.claims = formula, tuple(claims)

    def __call__(self, counts: Tensor | Sequence[int], **hyper: Any) -> Tensor:
        """Weights for `class_weight=` from counts (*, C), such as `torch.bincount(y, minlength=C)`: one row per data set.

        Of the counts' dtype where they are floating numbers, else of torch's default one.
        """
        self.check_hyper(hyper)
        given = torch.as_tensor(counts)
        n = accept_counts(self.name, given)
        weights = self.fn(n.clamp(min=1.0), **hyper)
        weights = weights * (n.sum(-1, keepdim=True) / (n * weights).sum(-1, keepdim=True))
        return weights.to(given.dtype if given.is_floating_point() else torch.get_default_dtype())


def weighting(
    *,
    use: str,
    source: str,
    formula: str = "",
    claims: Sequence[Claim] = (),
    search: Mapping[str, Search] | None = None,
) -> Callable[[Callable[..., Tensor]], Weighting]:
    """Declare a weighting scheme (see Weighting); formula: sympy text in n, the class's count, and p, its share; any scale."""

    def declare(fn: Callable[..., Tensor]) -> Weighting:
        return Weighting(fn, use=use, source=source, formula=formula, claims=claims, search=search)

    return declare


class Rule(Item):
    """An update rule: `(grad, <states>, [param], *, t, lr, <hyper>) -> (step, <new states>)`, the step to be subtracted.

    states: the names of its arguments between grad and the star, but for param. t counts from 1.
    scalar_states: states with one number per trial instead of one per parameter.
    initial: starting value of a state (a number or the name of a hyperparameter); zero where nothing is said.
    Numbers (t, lr, hyperparameters, scalar states) are floats, or float64 columns (K, 1) beside tensors (K, P). A body uses
    plain arithmetic only: it is recorded once, with no values at hand.
    slow: where no twin exists, the rule once more for one parameter, in plain floats: `(grad, <states>, [param], *, t, lr,
    <hyper>) -> (step, <new states>)`, written from the paper and not from the body.
    """

    kind = "rule"

    def __init__(
        self,
        fn: Body,
        *,
        use: str,
        source: str,
        formula: str = "",
        decay: Decay = "none",
        weight_decay: float = 0.0,
        looks_at: LooksAt = "elementwise",
        equals: str | None = None,
        equals_with: Mapping[str, Any] | None = None,
        slow: Callable[..., tuple[float, ...]] | None = None,
        claims: Sequence[Claim] = (),
        search: Mapping[str, Search] | None = None,
        initial: Mapping[str, float | str] | None = None,
        scalar_states: Sequence[str] = (),
        class_name: str | None = None,
    ) -> None:
        super().__init__(fn, source=source, use=use, search=search, class_name=class_name)
        self.hyper.pop("t", None)
        positional = fn.__code__.co_varnames[1 : fn.__code__.co_argcount]
        self.needs_param = "param" in positional
        self.states = tuple(name for name in positional if name != "param")
        self.formula, self.decay, self.weight_decay, self.looks_at = formula, decay, weight_decay, looks_at
        self.equals, self.equals_with, self.claims = equals, dict(equals_with or {}), tuple(claims)
        self.slow = slow
        self.initial, self.scalar_states = dict(initial or {}), tuple(scalar_states)


def rule(
    *,
    use: str,
    source: str,
    formula: str = "",
    decay: Decay = "none",
    weight_decay: float = 0.0,
    looks_at: LooksAt = "elementwise",
    equals: str | None = None,
    equals_with: Mapping[str, Any] | None = None,
    slow: Callable[..., tuple[float, ...]] | None = None,
    claims: Sequence[Claim] = (),
    search: Mapping[str, Search] | None = None,
    initial: Mapping[str, float | str] | None = None,
    scalar_states: Sequence[str] = (),
    class_name: str | None = None,
) -> Callable[[Body], Rule]:
    """Declare an update rule (see Rule). decay: how weight_decay acts; search: the ranges, that of lr above all."""

    def declare(fn: Body) -> Rule:
        return Rule(
            fn,
            use=use,
            source=source,
            formula=formula,
            decay=decay,
            weight_decay=weight_decay,
            looks_at=looks_at,
            equals=equals,
            equals_with=equals_with,
            slow=slow,
            claims=claims,
            search=search,
            initial=initial,
            scalar_states=scalar_states,
            class_name=class_name,
        )

    return declare


class Schedule(Item):
    """A learning-rate multiplier: `(step, horizon, *, hyper) -> multiplier`, a pure function; the first step is 0.

    step and horizon are float64 tensors that broadcast, one value per trial; calling the item clamps step to the horizon.
    """

    kind = "schedule"

    def __init__(
        self,
        fn: Body,
        *,
        use: str,
        source: str,
        formula: str = "",
        claims: Sequence[Claim] = (),
        search: Mapping[str, Search] | None = None,
    ) -> None:
        super().__init__(fn, source=source, use=use, search=search)
        self.formula, self.claims = formula, tuple(claims)

    def __call__(self, step: float | Tensor, horizon: float | Tensor, **hyper: Any) -> Tensor:
        """The multiplier at a step (counted from 0) of a run of `horizon` steps; float64, the shape of step."""
        self.check_hyper(hyper)
        end = torch.as_tensor(horizon, dtype=torch.float64)
        at = torch.as_tensor(step, dtype=torch.float64)
        at, end = torch.broadcast_tensors(at, end)
        return self.fn(torch.minimum(at, end), end, **hyper)


def schedule(
    *,
    use: str,
    source: str,
    formula: str = "",
    claims: Sequence[Claim] = (),
    search: Mapping[str, Search] | None = None,
) -> Callable[[Body], Schedule]:
    """Declare a schedule (see Schedule)."""

    def declare(fn: Body) -> Schedule:
        return Schedule(fn, use=use, source=source, formula=formula, claims=claims, search=search)

    return declare


class Metric(Item):
    """A metric: `value(state)` of an additive state, for one model or for K stacked ones at once.

    counts: `(prediction, target, weight) -> state`; states of disjoint batches add up to the state of their union.
    best: "max" or "min". unit: "share" (shown as percent points), "target" or "target squared" or "".
    """

    kind = "metric"

    def __init__(
        self,
        fn: Callable[..., Tensor],
        *,
        counts: Callable[..., Tensor],
        task: str,
        best: Literal["max", "min"],
        unit: str,
        use: str,
        source: str,
        formula: str = "",
        equals: str | None = None,
        equals_with: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(fn, source=source, use=use)
        self.counts, self.task, self.best, self.unit, self.formula = counts, task, best, unit, formula
        self.equals, self.equals_with = equals, dict(equals_with or {})

    def state(self, prediction: Tensor, target: Tensor, weight: Tensor | None = None, **options: Any) -> Tensor:
        """The additive state of a batch. prediction (K, N, ...) or (N, ...); target (N,) or (K, N); the state has the same lead."""
        return self.counts(prediction, target, weight, **options)

    def value(self, state: Tensor, **hyper: Any) -> Tensor:
        """The metric of a state: a scalar, or (K,) for K models."""
        self.check_hyper(hyper)
        return self.fn(state, **hyper)

    def __call__(
        self,
        prediction: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        *,
        options: Mapping[str, Any] | None = None,
        **hyper: Any,
    ) -> Tensor:
        return self.value(self.state(prediction, target, weight, **(options or {})), **hyper)


def metric(
    *,
    counts: Callable[..., Tensor],
    task: str,
    best: Literal["max", "min"],
    unit: str,
    use: str,
    source: str,
    formula: str = "",
    equals: str | None = None,
    equals_with: Mapping[str, Any] | None = None,
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
        )

    return declare


class Dataset(Item):
    """A data set by name: `(*, options) -> Data`. size: (samples, features), task and licence are facts for lists."""

    kind = "dataset"

    def __init__(self, fn: Body, *, task: str, size: str, use: str, source: str, licence: str = "") -> None:
        super().__init__(fn, source=source, use=use)
        self.task, self.size, self.licence = task, size, licence


def dataset(*, task: str, size: str, use: str, source: str, licence: str = "") -> Callable[[Body], Dataset]:
    """Declare a data set (see Dataset)."""

    def declare(fn: Body) -> Dataset:
        return Dataset(fn, task=task, size=size, use=use, source=source, licence=licence)

    return declare


class Check(Item):
    """A mistake that ruins training silently: the function looks at facts and returns findings.

    bad and good: scripts that fire it and that do not; the tests run both.
    """

    kind = "check"

    def __init__(
        self,
        fn: Body,
        *,
        code: str,
        title: str,
        damage: str,
        repair: str,
        bad: str,
        good: str,
        needs: Literal["source", "batch", "gradients", "history"],
        certainty: Literal["error", "warning", "note"],
        source: str,
    ) -> None:
        super().__init__(fn, source=source, use=title)
        self.code, self.title, self.damage, self.repair = code, title, damage, repair
        self.bad, self.good, self.needs, self.certainty = bad, good, needs, certainty


def check(
    *,
    code: str,
    title: str,
    damage: str,
    repair: str,
    bad: str,
    good: str,
    needs: Literal["source", "batch", "gradients", "history"],
    certainty: Literal["error", "warning", "note"],
    source: str,
) -> Callable[[Body], Check]:
    """Declare a check (see Check)."""

    def declare(fn: Body) -> Check:
        return Check(
            fn,
            code=code,
            title=title,
            damage=damage,
            repair=repair,
            bad=bad,
            good=good,
            needs=needs,
            certainty=certainty,
            source=source,
        )

    return declare


class Section(Item):
    """A part of the report: `(study) -> block or None`, one per question that a reader asks; order says where it stands."""

    kind = "section"

    def __init__(self, fn: Body, *, order: int, question: str) -> None:
        super().__init__(fn, use=question)
        self.order, self.question = order, question


def section(*, order: int, question: str) -> Callable[[Body], Section]:
    """Declare a report section (see Section)."""

    def declare(fn: Body) -> Section:
        return Section(fn, order=order, question=question)

    return declare
