"""Composition: losses add and scale (`a + 0.5 * b`), by numbers, by learned tensors or by functions of the step, and several
heads have a loss each; every term keeps its own denominator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from .errors import ShapeError, UsageError
from .item import Item
from .reduction import Reduction


Ramp = Callable[..., "float | Tensor"]
"""A factor as a function of the step, counted from 0."""


class Composable:
    """What adds to other losses and is scaled by numbers or by scalar tensors."""

    def __add__(self, other: Any) -> LossSum:
        terms = _terms_of(other)
        return NotImplemented if terms is None else LossSum(*(_terms_of(self) or ()), *terms)

    def __radd__(self, other: Any) -> Any:
        """`sum([a, b])` begins at 0."""
        return self if isinstance(other, (int, float)) and other == 0 else NotImplemented

    def __mul__(self, factor: Any) -> LossSum:
        if isinstance(factor, bool) or not isinstance(factor, (int, float, Tensor)):
            return NotImplemented
        return LossSum(*(term.times(factor) for term in _terms_of(self) or ()))

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> LossSum:
        return self * (1 / divisor)


@dataclass(frozen=True)
class Term:
    """number x tensor x ramp(step) x loss; the tensor may be learned, or differ from trial to trial."""

    loss: nn.Module
    number: float = 1.0
    tensor: Tensor | None = None
    ramp: Ramp | None = None

    def factor(self, step: Tensor | None) -> float | Tensor:
        """What the loss is multiplied by at this step."""
        found: float | Tensor = self.number if self.tensor is None else self.number * self.tensor
        return found if self.ramp is None else found * self.ramp(step)

    def times(self, factor: float | Tensor) -> Term:
        if not isinstance(factor, Tensor):
            return replace(self, number=self.number * factor)
        if factor.dim() > 0:
            raise ShapeError(
                where="loss",
                seen=f"a factor of shape {tuple(factor.shape)}",
                needed="a number, or a tensor of no axes, was needed",
                repair="To weigh samples or elements pass weight= when you call the loss.",
            )
        if self.tensor is not None:
            raise UsageError(
                where="loss",
                seen="two tensors as factors of one term",
                needed="at most one was needed",
                repair="Multiply the tensors first.",
            )
        return replace(self, tensor=factor)


def _terms_of(value: Any) -> tuple[Term, ...] | None:
    """The terms of a sum, of a loss as module, or of a loss of the catalogue; None for what is no loss."""
    if isinstance(value, LossSum):
        return value.terms
    if isinstance(value, Composable):
        return (Term(value if isinstance(value, nn.Module) else getattr(value, "module_class")()),)
    if isinstance(value, nn.Module):
        raise UsageError(
            where="loss",
            seen=f"{type(value).__name__} as a term",
            needed="a loss of steepest.losses was needed: it can tell numerator and denominator apart",
            repair="steepest explain torch.nn.HuberLoss finds our loss of that name.",
        )
    return None


class LossSum(Composable, nn.Module):
    """number x loss + ...: each term a loss of the same input and target, reduced by itself.

    Options of a call (weight, mask, ignore_index, reduction, ...) go to every term. Where a factor is a function of the step
    (see Weighted), the step is counted by `advance()` and saved with the module; `step=` in a call takes its place.
    """

    step: Tensor | None

    def __init__(self, *terms: Term) -> None:
        super().__init__()
        self.losses = nn.ModuleList([term.loss for term in terms])
        self.numbers = [term.number for term in terms]
        self.ramps = [term.ramp for term in terms]
        self.register_buffer("step", torch.zeros((), dtype=torch.int64) if any(self.ramps) else None)
        for i, term in enumerate(terms):
            if isinstance(term.tensor, nn.Parameter):
                self.register_parameter(f"factor{i}", term.tensor)
            else:
                self.register_buffer(f"factor{i}", term.tensor)

    @property
    def terms(self) -> tuple[Term, ...]:
        return tuple(
            Term(loss, number, getattr(self, f"factor{i}"), ramp)
            for i, (loss, number, ramp) in enumerate(zip(self.losses, self.numbers, self.ramps))
        )

    def advance(self, n_steps: int = 1) -> None:
        """So many steps have passed. An optimizer's step or an epoch: the unit is yours, and that of the functions of the step."""
        if self.step is not None:
            self.step += n_steps

    def factors(self, step: int | Tensor | None = None) -> list[float | Tensor]:
        """What the terms are multiplied by at a step; by default the one that was counted."""
        at = self._at(step)
        return [term.factor(at) for term in self.terms]

    def _at(self, step: int | Tensor | None) -> Tensor | None:
        return self.step if step is None or self.step is None else torch.as_tensor(step, device=self.step.device)

    def forward(self, input: Tensor, target: Any, *, step: int | Tensor | None = None, **options: Any) -> Tensor:
        return _added(self.each(input, target, step=step, **options))

    def each(self, input: Tensor, target: Any, *, step: int | Tensor | None = None, **options: Any) -> list[Tensor]:
        """The summands, factors inside, in the order in which they were written."""
        at = self._at(step)
        return [_scaled(term.factor(at), term.loss(input, target, **options)) for term in self.terms]

    def parts(self, input: Tensor, target: Any, **options: Any) -> tuple[Tensor, Tensor]:
        """(numerators, denominators), both (T,), without the factors: add them up over batches or machines, then `total`."""
        pairs = [term.loss.parts(input, target, **options) for term in self.terms]  # type: ignore[operator]
        return torch.stack([n for n, _ in pairs]), torch.stack([d for _, d in pairs])

    def total(self, numerators: Tensor, denominators: Tensor, *, step: int | Tensor | None = None) -> Tensor:
        """The loss of all that the parts were summed over; a term without items counts 0."""
        means = numerators / torch.where(denominators == 0, 1.0, denominators)
        return _added([_scaled(factor, means[i]) for i, factor in enumerate(self.factors(step))])

    def extra_repr(self) -> str:
        return ", ".join(f"factor of {i}: {_factor(term)}" for i, term in enumerate(self.terms))


def _scaled(factor: float | Tensor, value: Tensor) -> Tensor:
    if isinstance(factor, Tensor):
        return value * factor.to(value)
    return value if factor == 1 else value * factor


def _factor(term: Term) -> str:
    tensor = "" if term.tensor is None else f" x {term.tensor.detach().tolist():g}"
    return f"{term.number:g}{tensor}" + ("" if term.ramp is None else f" x {term.ramp!r} of the step")


def _added(values: list[Tensor]) -> Tensor:
    if any(value.shape != values[0].shape for value in values):
        raise ShapeError(
            where="loss",
            seen=f"terms with values of shapes {', '.join(str(tuple(v.shape)) for v in values)}",
            needed="terms that are added must have one shape",
            repair='The terms have different items: reduce each (reduction="mean"), or take them apart with each(...).',
        )
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


@dataclass(frozen=True)
class Course:
    """A schedule over a run of so many steps, as a function of the step alone."""

    schedule: Item
    horizon: float | Tensor
    hyper: Mapping[str, Any]

    def __call__(self, step: Tensor) -> Tensor:
        return self.schedule(step, self.horizon, **self.hyper)

    def __repr__(self) -> str:
        hyper = "".join(f", {name}={value!r}" for name, value in self.hyper.items())
        return f"{self.schedule.name}(horizon={self.horizon:g}{hyper})"


class Weighted(LossSum):
    """A loss (or a sum) whose factor is a function of the step: `Weighted(losses.Boundary(), schedules.linear, horizon=10_000)`.

    weight: a schedule of the catalogue, with its horizon and hyperparameters; or any function of the step (a 0-d int64 tensor)
    that gives a number or a 0-d tensor. It adds and scales like every loss: `losses.Dice() + 0.1 * Weighted(...)`. Call
    `advance()` of the outermost sum after each step, or give `step=` to the call.
    """

    def __init__(
        self, loss: Any, weight: Item | Ramp, *, horizon: float | Tensor | None = None, **hyper: Any
    ) -> None:
        terms, is_schedule = _terms_of(loss) or (), getattr(weight, "kind", "") == "schedule"
        is_function = callable(weight) and not isinstance(weight, Reduction)  # that one takes scores
        if not terms or not is_function or is_schedule is (horizon is None) or (hyper and not is_schedule):
            raise UsageError(
                where="Weighted",
                seen=f"{loss!r}, {weight!r} and horizon={horizon!r}",
                needed="a loss and a schedule with its horizon, or a loss and a function of the step, were needed",
                repair="For example Weighted(losses.Dice(), schedules.warmup_cosine, horizon=10_000, warmup=0.1).",
            )
        if any(term.ramp is not None for term in terms):
            raise UsageError(
                where="Weighted",
                seen="a term whose factor is a function of the step already",
                needed="at most one such function per term was needed",
                repair="Multiply the functions: Weighted(loss, lambda step: f(step) * g(step)).",
            )
        if isinstance(weight, Item):
            weight.check_hyper(hyper)
            weight = Course(weight, horizon if isinstance(horizon, Tensor) else float(horizon or 0.0), dict(hyper))
        super().__init__(*(replace(term, ramp=weight) for term in terms))


class Heads(nn.Module):
    """A loss for each output of a model with several: `Heads(depth=losses.L1(), label=0.5 * losses.CrossEntropy())`.

    Called with mappings of outputs and of targets; what is the same for all heads (reduction, ...) is passed as it is, what
    each head has of its own (weight, mask) as a mapping, from which a head may be missing.
    """

    def __init__(self, **losses: Any) -> None:
        super().__init__()
        if not losses or any(_terms_of(loss) is None for loss in losses.values()):
            raise UsageError(
                where="Heads",
                seen=f"{', '.join(f'{k}={type(v).__name__}' for k, v in losses.items()) or 'no head'}",
                needed="a loss for each head was needed, by the name of its output",
                repair="For example Heads(depth=losses.L1(), label=0.5 * losses.CrossEntropy()).",
            )
        self.heads = nn.ModuleDict({name: LossSum(*(_terms_of(loss) or ())) for name, loss in losses.items()})

    def forward(self, outputs: Mapping[str, Tensor], targets: Mapping[str, Any], **options: Any) -> Tensor:
        """The sum of the heads' losses."""
        return _added(list(self.each(outputs, targets, **options).values()))

    def each(self, outputs: Mapping[str, Tensor], targets: Mapping[str, Any], **options: Any) -> dict[str, Tensor]:
        """The loss of each head, by its name."""
        self._accept(outputs, targets)
        return {n: head(outputs[n], targets[n], **_own(options, n)) for n, head in self.heads.items()}

    def parts(
        self, outputs: Mapping[str, Tensor], targets: Mapping[str, Any], **options: Any
    ) -> dict[str, tuple[Tensor, Tensor]]:
        """(numerators, denominators) of each head's terms: add them up over batches or machines, then `total`."""
        self._accept(outputs, targets)
        return {
            n: head.parts(outputs[n], targets[n], **_own(options, n))  # type: ignore[operator]
            for n, head in self.heads.items()
        }

    def total(self, parts: Mapping[str, tuple[Tensor, Tensor]]) -> Tensor:
        """The loss of all that the parts were summed over."""
        return _added([head.total(*parts[name]) for name, head in self.heads.items()])  # type: ignore[operator]

    def _accept(self, outputs: Mapping[str, Tensor], targets: Mapping[str, Any]) -> None:
        for what, given in (("outputs", outputs), ("targets", targets)):
            missing = [name for name in self.heads if name not in given]
            if missing:
                raise UsageError(
                    where="Heads",
                    seen=f"{what} has {', '.join(given) or 'nothing'}",
                    needed=f"an entry for each head was needed: {', '.join(self.heads)}",
                    repair=f"Missing: {', '.join(missing)}.",
                )


def _own(options: Mapping[str, Any], head: str) -> dict[str, Any]:
    """The options of one head."""
    mine = {name: value.get(head) if isinstance(value, Mapping) else value for name, value in options.items()}
    return {name: value for name, value in mine.items() if value is not None}
