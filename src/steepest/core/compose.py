"""Composition: losses add and scale (`a + 0.5 * b`), and several heads have a loss each; every term keeps its own denominator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from .errors import ShapeError, UsageError


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
    """number x tensor x loss; the tensor may be learned, or differ from trial to trial."""

    loss: nn.Module
    number: float = 1.0
    tensor: Tensor | None = None

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

    Options of a call (weight, mask, ignore_index, reduction, ...) go to every term.
    """

    def __init__(self, *terms: Term) -> None:
        super().__init__()
        self.losses = nn.ModuleList([term.loss for term in terms])
        self.numbers = [term.number for term in terms]
        for i, term in enumerate(terms):
            if isinstance(term.tensor, nn.Parameter):
                self.register_parameter(f"factor{i}", term.tensor)
            else:
                self.register_buffer(f"factor{i}", term.tensor)

    @property
    def terms(self) -> tuple[Term, ...]:
        return tuple(
            Term(loss, number, getattr(self, f"factor{i}"))
            for i, (loss, number) in enumerate(zip(self.losses, self.numbers))
        )

    def forward(self, input: Tensor, target: Any, **options: Any) -> Tensor:
        return _added(self.each(input, target, **options))

    def each(self, input: Tensor, target: Any, **options: Any) -> list[Tensor]:
        """The summands, factors inside, in the order in which they were written."""
        return [_scaled(term, term.loss(input, target, **options)) for term in self.terms]

    def parts(self, input: Tensor, target: Any, **options: Any) -> tuple[Tensor, Tensor]:
        """(numerators, denominators), both (T,), without the factors: add them up over batches or machines, then `total`."""
        pairs = [term.loss.parts(input, target, **options) for term in self.terms]  # type: ignore[operator]
        return torch.stack([n for n, _ in pairs]), torch.stack([d for _, d in pairs])

    def total(self, numerators: Tensor, denominators: Tensor) -> Tensor:
        """The loss of all that the parts were summed over; a term without items counts 0."""
        means = numerators / torch.where(denominators == 0, 1.0, denominators)
        return _added([_scaled(term, means[i]) for i, term in enumerate(self.terms)])

    def extra_repr(self) -> str:
        return ", ".join(f"factor of {i}: {_factor(term)}" for i, term in enumerate(self.terms))


def _scaled(term: Term, value: Tensor) -> Tensor:
    value = value if term.number == 1 else value * term.number
    return value if term.tensor is None else value * term.tensor


def _factor(term: Term) -> str:
    return f"{term.number:g}" + ("" if term.tensor is None else f" x {term.tensor.detach().tolist():g}")


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
