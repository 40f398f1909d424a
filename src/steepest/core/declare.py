"""The declarations @loss @weighting @rule @schedule @metric @dataset @section; what is declared is what is tested. (@check: core.checks.)

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
from .domains import Counts, Interval, OneOf, Search
from .item import Hyper, Item
from .loss import Loss
from .metric import Metric as Metric
from .metric import metric as metric
from .targets import TargetKind

Body = Callable[..., Any]
Decay = Literal["coupled", "decoupled", "inside", "none"]
LooksAt = Literal["elementwise", "matrix", "tree"]
Gives = Literal["class_weight", "class_offset", "focus"]
StateShape = Callable[[torch.Size, Mapping[str, Any]], "tuple[int, ...] | None"]


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
    holds: str = "",
    few_roundings: bool = False,
) -> Callable[[Callable[..., Tensor]], Loss]:
    """Declare a loss: `(input, target, *, hyper) -> values per item`, or per class with class targets (see core.targets.Classes).

    formula: sympy text of one item in x, y and the hyperparameters (x[j], y, C with class targets); or slow: a plain function.
    equals: dotted name of a twin class (torch.nn.HuberLoss), equals_with: its arguments that make it equal, equals_input: what
    the twin takes instead of the input. A hyperparameter of the same name is passed on to the twin.
    task: "regression", "classification", "binary", ...; use: when to choose it, one sentence; source: paper with doi or arXiv id.
    good_for: the situations (core.situations) in which it is suggested; where it names none, its `use` sentence is read.
    avoid: when not to choose it, and what to take instead, one sentence. differs: what other libraries call it ("torchvision
    sigmoid_focal_loss") and where that departs from ours, in meaning, scale, default or denominator.
    holds: what the gradient treats as a constant though it depends on the input, in words. `slow` then takes `still`, the input
    at which that is evaluated; derivatives are those of `slow` with `still` fixed.
    few_roundings: the body is so short that in the input's own precision it stays within 2 units in the last place; else it is
    computed in a wider one (core.digits).
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
            holds=holds,
            few_roundings=few_roundings,
        )

    return declare


class Weighting(Item):
    """A weighting scheme: `(counts, *, hyper) -> weights`, both float64 (*, C): training samples of each class, and what one counts.

    Calling the item gives weights whose mean over those training samples is 1, so a loss keeps its size and its learning
    rate. A class that was never seen weighs as one that was seen once.
    gives: the option of a loss that takes them. Beside "class_weight" a scheme may give a "class_offset", (*, C) numbers that
    are added to the logits, or a "focus" (*), the power of 1 - p that weighs each item; these are given as they are.
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
        gives: Gives = "class_weight",
    ) -> None:
        super().__init__(fn, source=source, use=use, search=search)
        self.formula, self.claims, self.gives = formula, tuple(claims), gives

    def __call__(self, counts: Tensor | Sequence[int], **hyper: Any) -> Tensor:
        """What the option `gives` of a loss takes, such as weights for `class_weight=`, from counts (*, C), such as `torch.bincount(y, minlength=C)`: one row per data set.

        Of the counts' dtype where they are floating numbers, else of torch's default one.
        """
        self.check_hyper(hyper)
        given = torch.as_tensor(counts)
        n = accept_counts(self.name, given)
        weights = self.fn(n.clamp(min=1.0), **hyper)
        if self.gives == "class_weight":
            weights = weights * (n.sum(-1, keepdim=True) / (n * weights).sum(-1, keepdim=True))
        return weights.to(given.dtype if given.is_floating_point() else torch.get_default_dtype())


def weighting(
    *,
    use: str,
    source: str,
    formula: str = "",
    claims: Sequence[Claim] = (),
    search: Mapping[str, Search] | None = None,
    gives: Gives = "class_weight",
) -> Callable[[Callable[..., Tensor]], Weighting]:
    """Declare a weighting scheme (see Weighting).

    formula: sympy text in n, the class's count, p, its share, and q, the probability that the model gives to the label; any scale.
    """

    def declare(fn: Callable[..., Tensor]) -> Weighting:
        return Weighting(fn, use=use, source=source, formula=formula, claims=claims, search=search, gives=gives)

    return declare


class Rule(Item):
    """An update rule: `(grad, <states>, [param], *, t, lr, <hyper>) -> (step, <new states>)`, the step to be subtracted.

    states: the names of its arguments between grad and the star, but for param. t counts from 1.
    initial: starting value of a state: a number, the name of a hyperparameter, or "param", a copy of the parameter; else 0.
    scalar_states: states with one number per trial instead of one per parameter.
    only_with: states that exist only where a hyperparameter is not 0, by its name.
    decay: how weight_decay acts: coupled (on the gradient), decoupled (on the parameter), inside (the body takes it).

    Numbers (t, lr, hyperparameters, scalar states) are floats, or one per trial. looks_at says what the body sees:
    elementwise: tensors (K, P), numbers as float64 columns (K, 1). Plain arithmetic only (core.per_trial has larger, smaller,
        choose): it is recorded once, with no values at hand.
    matrix: each parameter of K trials by itself, (K, *shape), K = 1 for a run alone; numbers as core.per_trial.PerTrial. Any
        torch functions, in which trials never meet. state_shapes: the shape of a state from the parameter's and the static
        hyperparameters; None where it has none, and the body receives None.
    tree: the same after totals, a function of the same arguments that returns a tuple of tensors like grad; each is summed
        over the whole model, and the body receives the sums as `totals`. Its scalar states are those of the model. Beside the sums
        both look at single elements, and are given some at a time.

    equals_with: arguments of the twin, equals_when: hyperparameters of ours, under which the two are equal.
    static: hyperparameters that shape the computation, so that trials which step together share their values.
    packs: options of torch that hold several hyperparameters, such as etas=(0.5, 1.2); betas is known without.
    evaluated: `(param, <states>, *, hyper) -> weights`, where a model is judged and used at other weights than it learns at.
    solo_only: why no population steps by it, if none does.
    slow: where no twin exists, the rule once more for one parameter, in plain floats: `(grad, <states>, [param], *, t, lr,
    <hyper>) -> (step, <new states>)`, written from the paper and not from the body.
    avoid: when not to choose it; differs: what other libraries do otherwise, by their names for it (as for losses).
    evidence: what was measured about it, with the source of each finding.
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
        equals_when: Mapping[str, Any] | None = None,
        slow: Callable[..., Any] | None = None,
        claims: Sequence[Claim] = (),
        search: Mapping[str, Search] | None = None,
        initial: Mapping[str, float | str] | None = None,
        scalar_states: Sequence[str] = (),
        only_with: Mapping[str, str] | None = None,
        state_shapes: Mapping[str, StateShape] | None = None,
        totals: Callable[..., tuple[Tensor, ...]] | None = None,
        static: Sequence[str] = (),
        packs: Mapping[str, Sequence[str]] | None = None,
        evaluated: Callable[..., Tensor] | None = None,
        solo_only: str = "",
        avoid: str = "",
        differs: Mapping[str, str] | None = None,
        evidence: str = "",
        class_name: str | None = None,
    ) -> None:
        super().__init__(fn, source=source, use=use, search=search, class_name=class_name)
        for name in ("t", "weight_decay", "totals"):  # given by the contract, not hyperparameters
            self.hyper.pop(name, None)
        positional = fn.__code__.co_varnames[1 : fn.__code__.co_argcount]
        self.needs_param = "param" in positional
        self.states = tuple(name for name in positional if name != "param")
        self.formula, self.decay, self.weight_decay, self.looks_at = formula, decay, weight_decay, looks_at
        self.equals, self.equals_with, self.claims = equals, dict(equals_with or {}), tuple(claims)
        self.equals_when = dict(equals_when or {})
        self.slow, self.totals, self.evaluated = slow, totals, evaluated
        self.initial, self.scalar_states = dict(initial or {}), tuple(scalar_states)
        self.only_with, self.state_shapes = dict(only_with or {}), dict(state_shapes or {})
        words = [name for name, h in self.hyper.items() if not _takes_numbers(h)]
        self.static = tuple(dict.fromkeys([*static, *words]))
        self.packs = {name: tuple(parts) for name, parts in (packs or {}).items()}
        self.solo_only, self.avoid, self.differs, self.evidence = solo_only, avoid, dict(differs or {}), evidence

    def states_with(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """The states that exist under these hyperparameters, numbers or one per trial."""
        return tuple(n for n in self.states if n not in self.only_with or _is_on(settings[self.only_with[n]]))


def _takes_numbers(hyper: Hyper) -> bool:
    """Whether its values may be one number per trial: flags and counts are numbers; words, rows and nothing are not."""
    domain = hyper.domain
    if isinstance(domain, OneOf):
        return all(isinstance(value, (int, float)) for value in domain.values)
    return isinstance(domain, (Interval, Counts)) and hyper.default is not None


def _is_on(value: float | Tensor) -> bool:
    return bool((value != 0).any()) if isinstance(value, Tensor) else bool(value)


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
    equals_when: Mapping[str, Any] | None = None,
    slow: Callable[..., Any] | None = None,
    claims: Sequence[Claim] = (),
    search: Mapping[str, Search] | None = None,
    initial: Mapping[str, float | str] | None = None,
    scalar_states: Sequence[str] = (),
    only_with: Mapping[str, str] | None = None,
    state_shapes: Mapping[str, StateShape] | None = None,
    totals: Callable[..., tuple[Tensor, ...]] | None = None,
    static: Sequence[str] = (),
    packs: Mapping[str, Sequence[str]] | None = None,
    evaluated: Callable[..., Tensor] | None = None,
    solo_only: str = "",
    avoid: str = "",
    differs: Mapping[str, str] | None = None,
    evidence: str = "",
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
            equals_when=equals_when,
            slow=slow,
            claims=claims,
            search=search,
            initial=initial,
            scalar_states=scalar_states,
            only_with=only_with,
            state_shapes=state_shapes,
            totals=totals,
            static=static,
            packs=packs,
            evaluated=evaluated,
            solo_only=solo_only,
            avoid=avoid,
            differs=differs,
            evidence=evidence,
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
