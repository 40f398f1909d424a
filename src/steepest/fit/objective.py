"""The loss of a run, whatever it is.

Ours by name or object, torch's module, or a plain function of output and target.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from steepest import losses as catalogue
from steepest.core.calls import parse_call
from steepest.core.compose import Heads, LossSum
from steepest.core.errors import ModelError, ShapeError, SteepestError, UsageError
from steepest.core.loss import Loss, LossModule

Encode = Callable[[Any, Any], Any]
EXACT_OPTIONS = ("ignore_index", "class_weight", "weight", "mask", "focus")


def as_loss(asked: Any) -> Any:
    """A loss by name with options ("focal(gamma=2)"), an item, a module, or a function; words become modules."""
    if isinstance(asked, str):
        name, options = parse_call(asked, "loss")
        return catalogue[name].module_class(**options)
    if isinstance(asked, Loss):
        return asked.module_class()
    if isinstance(asked, type) and issubclass(asked, nn.Module):
        return asked()
    if callable(asked):
        return asked
    raise UsageError(
        where="loss",
        seen=f"a {type(asked).__name__}",
        needed="a name, a loss of steepest.losses or torch.nn, or a function of (output, target) was needed",
        repair='loss="cross_entropy", or losses.Focal(gamma=2).',
    )


class Objective:
    """loss(output, target, weight) as one number of a batch, and as a sum that adds up over batches.

    is_ours: the loss can tell numerator and denominator apart, so weights, epochs' means and accumulation are
    exact. For other
    losses the batch's mean counts by its rows.
    """

    def __init__(self, loss: Any, class_weight: Tensor | None = None, encode: Encode | None = None) -> None:
        self.loss, self.encode = loss, encode
        self.is_ours = isinstance(loss, (LossModule, LossSum, Heads))
        self.options: dict[str, Any] = {} if class_weight is None else {"class_weight": class_weight}
        if self.options and not self.is_ours:
            raise UsageError(
                where="class_weight",
                seen=f"the loss is {type(loss).__name__}, which is not ours",
                needed="a loss of steepest.losses was needed to weigh classes",
                repair="Give torch's loss its weight= yourself, or name ours: loss='cross_entropy'.",
            )
        bound = getattr(loss, "options", {})
        self._counts_rows = (
            not self.options
            and all(bound.get(name) is None for name in EXACT_OPTIONS)
            and not any(name in EXACT_OPTIONS for name, _ in getattr(loss, "named_buffers", lambda: ())())
        )

    def at(self, step: int) -> None:
        """Factors that are functions of the step (losses.Weighted) are those of this one."""
        for part in self.loss.modules() if self.is_ours else ():
            if isinstance(part, LossSum) and part.step is not None:
                part.step.fill_(step)

    @property
    def has_parts(self) -> bool:
        """One numerator and one denominator."""
        return isinstance(self.loss, LossModule)

    def mean(self, output: Any, target: Any, weight: Tensor | None, n_rows: int) -> tuple[Tensor, Tensor | float]:
        """(the batch's loss, what it counts in a mean over batches)."""
        if self.encode is not None:
            target = self.encode(output, target)
        if weight is None and (self._counts_rows or not self.has_parts):
            return self._scalar(self._called(output, target)), n_rows
        if not self.is_ours:
            raise _no_weights(self.loss)
        if not self.has_parts:
            return self._scalar(self.loss(output, target, weight=weight, **self.options)), n_rows
        numerator, denominator = self.parts(output, target, weight, n_rows, is_encoded=True)
        return numerator / torch.where(denominator == 0, 1.0, denominator), denominator

    def parts(
        self, output: Any, target: Any, weight: Tensor | None, n_rows: int, *, is_encoded: bool = False
    ) -> tuple[Tensor, Tensor]:
        """(numerator, denominator), additive over any cut of the rows.

        For a loss that is not ours, its mean times the rows.
        """
        if self.encode is not None and not is_encoded:
            target = self.encode(output, target)
        if self.has_parts:
            options = self.options if weight is None else {**self.options, "weight": weight}
            return self.loss.parts(output, target, **options)
        value, _ = self.mean(output, target, weight, n_rows)
        return value * n_rows, torch.tensor(float(n_rows), device=value.device)

    def per_row(self, output: Any, target: Any) -> Tensor | None:
        """One loss per row, (N,); None where the loss cannot tell."""
        if self.encode is not None:
            target = self.encode(output, target)
        if self.is_ours and not isinstance(self.loss, Heads):
            values = self.loss(output, target, reduction="sample", **self.options)
        elif isinstance(self.loss, nn.Module) and hasattr(self.loss, "reduction"):
            before = self.loss.reduction
            self.loss.reduction = "none"
            try:
                values = self.loss(output, target)
            finally:
                self.loss.reduction = before
        else:
            return None
        return values.flatten(1).mean(1) if values.dim() > 1 else values

    def _called(self, output: Any, target: Any) -> Any:
        """The loss; torch's refusals with what came."""
        if self.has_parts and not isinstance(output, Tensor):
            raise ModelError(
                where=_name(self.loss),
                seen=f"the model gives a {type(output).__name__}",
                needed="one tensor was needed",
                repair="Return the output alone, or give a function of (output, target) that picks it as loss.",
            )
        try:
            return self.loss(output, target, **self.options)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            if isinstance(error, SteepestError) or not type(self.loss).__module__.startswith("torch.nn"):
                raise
            raise ShapeError(
                where=_name(self.loss),
                seen=f"an output {_said(output)} and a target {_said(target)} raised {type(error).__name__}: {error}",
                needed="what this loss of torch takes was needed",
                repair="target.long() for class indices, target.float() for numbers; else compare the shapes.",
            ) from error

    def _scalar(self, value: Any) -> Tensor:
        if isinstance(value, Tensor) and value.dim() == 0:
            return value
        seen = (
            f"it gave a tensor of shape {tuple(value.shape)}"
            if isinstance(value, Tensor)
            else f"a {type(value).__name__}"
        )
        raise ShapeError(
            where=_name(self.loss),
            seen=seen,
            needed="one number per batch was needed",
            repair='reduction="mean", or take the mean of what the function returns.',
        )


def _said(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"of shape {tuple(value.shape)} and {value.dtype}"
    return f"that is a {type(value).__name__}"


def _name(loss: Any) -> str:
    return getattr(loss, "__name__", type(loss).__name__)


def _no_weights(loss: Any) -> UsageError:
    return UsageError(
        where=_name(loss),
        seen="the data bring a weight per row",
        needed="a loss that takes weights was needed",
        consequence="The weights would be dropped and nobody would see it.",
        repair="steepest.losses and steepest.nn take weight= in every loss.",
    )
