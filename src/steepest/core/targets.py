"""The kinds of targets that a loss may ask for: what shape an item has, what stands in for dead ones, what the body is given.

The plain kinds are here; kinds of which an item has parts of its own (pixels, list entries) or sees other items have their own file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from . import accept
from .batch import Batch, IgnoreIndex, Live, Options, both, ignored, liveness
from .errors import ShapeError, SteepestError, UsageError
from .logits import along_classes, beside, shortfall, surprise


@dataclass(frozen=True)
class TargetKind:
    """Numbers of the input's shape, and the steps that other kinds replace.

    says: the target in words. has_class_axis: the input has an axis 1 that an item does not have.
    is_coupled: items of a batch see each other, so that a batch is more than its rows.
    """

    name: str
    says: str
    has_class_axis: bool = False
    is_coupled: bool = False

    def batch(self, where: str, x: Tensor, target: Any, options: Options, safe: tuple[float, float]) -> Batch:
        """The batch that the body sees, dead items replaced by safe values."""
        self.refuse(where, "class_weight", options.class_weight, "classes")
        y = self.accept(where, x, target)
        accept.accept_same_device(where, x, target=y, weight=options.weight, mask=options.mask)
        live = liveness(where, self.items(x), options, self.left_out(y, options.ignore_index))
        x, y = self.fill(x, y, live, safe)
        self.look_at(where, y)
        return Batch(x, self.smooth(where, y, options), live)

    def accept(self, where: str, x: Tensor, target: Any) -> Tensor:
        """The target, or the error that says what is wrong with its shape or dtype."""
        return accept.accept_equal_target(where, x, target, self.says)

    def items(self, x: Tensor) -> torch.Size:
        """The shape of the items."""
        return x.shape[:1] + x.shape[2:] if self.has_class_axis else x.shape

    def left_out(self, y: Tensor, ignore_index: IgnoreIndex) -> Tensor | None:
        """The items whose target is ignored."""
        return ignored(y, ignore_index)

    def fill(self, x: Tensor, y: Tensor, live: Live, safe: tuple[float, float]) -> tuple[Tensor, Tensor]:
        """Dead items replaced, so that what stands there is never read."""
        if live.alive is None:
            return x, y
        return torch.where(self.spread(live.alive), x, safe[0]), torch.where(live.alive, y, safe[1])

    def spread(self, items: Tensor) -> Tensor:
        """One value per item, broadcastable to the input."""
        return items.unsqueeze(1) if self.has_class_axis else items

    def look_at(self, where: str, y: Tensor) -> None:
        """Refuse impossible values, where they can be read."""

    def smooth(self, where: str, y: Tensor, options: Options) -> Any:
        """The target for the body, smoothed where the kind knows how."""
        if options.is_smoothed:
            self.refuse(where, "label_smoothing", options.smoothing, "labels")
        return y

    def logits(self, p: Tensor, least: float) -> Tensor:
        """The logits of probabilities; one below `least` counts as that."""
        return p.clamp(min=least).log()

    def offset(self, where: str, x: Tensor, class_offset: Tensor, expects: str) -> Tensor:
        """The logits with a number added to those of each class."""
        self.refuse(where, "class_offset", class_offset, "classes that take logits")
        return x

    def doubt(self, where: str, batch: Batch, expects: str) -> Tensor:
        """1 minus the probability that the input gives to the target, one number per item."""
        self.refuse(where, "focus", expects, "labels that take logits or probabilities")
        return batch.input

    def why(self, where: str, batch: Batch) -> SteepestError | None:
        """Why the body failed on this batch, if the target is to blame."""
        return None

    def refuse(self, where: str, option: str, value: Any, belongs_to: str) -> None:
        if value is not None:
            raise UsageError(
                where=where,
                seen=f"{option} was given",
                needed=f"{option} belongs to losses of {belongs_to}",
                repair=f"The target of {where} is {self.says}: use weight or mask.",
            )


@dataclass(frozen=True)
class Labels01(TargetKind):
    """Probabilities of the input's shape, each by itself; whole numbers 0 and 1 are taken too."""

    def accept(self, where: str, x: Tensor, target: Any) -> Tensor:
        if isinstance(target, Tensor) and not target.is_floating_point() and not target.is_complex():
            target = target.to(x.dtype)
        return super().accept(where, x, target)

    def look_at(self, where: str, y: Tensor) -> None:
        accept.accept_probabilities(where, "target", y)

    def smooth(self, where: str, y: Tensor, options: Options) -> Tensor:
        return _smoothed(y, options, 0.5)

    def logits(self, p: Tensor, least: float) -> Tensor:
        return p.clamp(min=least).log() - (1 - p).clamp(min=least).log()

    def doubt(self, where: str, batch: Batch, expects: str) -> Tensor:
        if expects not in ("logits", "probs"):
            return super().doubt(where, batch, expects)
        x, y = batch.input, batch.target
        one, zero = (x.sigmoid(), (-x).sigmoid()) if expects == "logits" else (x, 1 - x)
        return y * zero + (1 - y) * one


@dataclass(frozen=True)
class Rows(TargetKind):
    """A row of numbers along axis 1 per item, as long as the input's. length: how long it must be, with what it then is."""

    length: int | None = None
    row: str = ""

    def accept(self, where: str, x: Tensor, target: Any) -> Tensor:
        if self.length is None:
            accept.accept_class_axis(where, x)
        else:
            accept.accept_row(where, x, self.length, self.row)
        return super().accept(where, x, target)

    def left_out(self, y: Tensor, ignore_index: IgnoreIndex) -> Tensor | None:
        """A row is ignored when all of it is: a share of 0 is no ignored row."""
        hit = ignored(y, ignore_index)
        return None if hit is None else hit.all(1)

    def fill(self, x: Tensor, y: Tensor, live: Live, safe: tuple[float, float]) -> tuple[Tensor, Tensor]:
        if live.alive is None:
            return x, y
        gate = live.alive.unsqueeze(1)
        return torch.where(gate, x, safe[0]), torch.where(gate, y, safe[1])


@dataclass(frozen=True)
class Vectors(Rows):
    """A vector along axis 1 per item, of any length."""

    def accept(self, where: str, x: Tensor, target: Any) -> Tensor:
        if x.dim() < 2:
            raise ShapeError(
                where=where,
                seen=f"input has shape {tuple(x.shape)}",
                needed="(N, D, *) was needed: one vector per sample",
                repair="If they are on the last axis: dim=-1. For one sample: input.unsqueeze(0) and target.unsqueeze(0).",
            )
        return TargetKind.accept(self, where, x, target)


@dataclass(frozen=True)
class Distribution(Rows):
    """Rows of probabilities."""

    def look_at(self, where: str, y: Tensor) -> None:
        accept.accept_probabilities(where, "target", y)

    def smooth(self, where: str, y: Tensor, options: Options) -> Tensor:
        return _smoothed(y, options, 1.0 / y.shape[1])


@dataclass(frozen=True)
class LabelRows(Rows, Labels01):
    """A row of labels, each 0, 1 or between, of which an item may bear several; smoothing and whole numbers as for Labels01."""

    def accept(self, where: str, x: Tensor, target: Any) -> Tensor:
        accept.accept_class_axis(where, x, least=1)
        return Labels01.accept(self, where, x, target)

    def doubt(self, where: str, batch: Batch, expects: str) -> Tensor:
        """Of several labels at once there is none."""
        return TargetKind.doubt(self, where, batch, expects)


def _smoothed(y: Tensor, options: Options, even: float) -> Tensor:
    if not options.is_smoothed:
        return y
    return y + torch.as_tensor(options.smoothing, dtype=y.dtype, device=y.device) * (even - y)


@dataclass(frozen=True)
class ClassTargets(TargetKind):
    """One class per item, hard or soft; the body is given Classes."""

    def batch(self, where: str, x: Tensor, target: Any, options: Options, safe: tuple[float, float]) -> Batch:
        y = accept.accept_classes(where, x, target)
        accept.accept_same_device(where, x, target=y, weight=options.weight, mask=options.mask)
        is_hard = not y.is_floating_point()
        if not is_hard:
            self.refuse(
                where, "ignore_index", options.ignore_index, "class indices; mask leaves items with soft labels out"
            )
        per_class = accept.accept_class_weight(where, options.class_weight, x.shape[1], x)
        left_out = ignored(y, options.ignore_index) if is_hard else None
        live = liveness(where, self.items(x), options, left_out)
        alive = live.alive
        if alive is not None:
            y = torch.where(alive, y, 0) if is_hard else torch.where(alive.unsqueeze(1), y, 1.0 / y.shape[1])
        if not is_hard:
            accept.accept_probabilities(where, "target", y)
        elif per_class is not None:
            accept.accept_labels(where, y, x.shape[1])
        labels = Classes(y if is_hard else None, None if is_hard else y, per_class, options.smoothing)
        factor = labels.factor()
        if factor is not None:
            alive = both(alive, factor != 0)
        if alive is not None:
            x = torch.where(alive.unsqueeze(1), x, safe[0])
        return Batch(x, labels, Live(live.weight, live.present, alive), factor)

    def offset(self, where: str, x: Tensor, class_offset: Tensor, expects: str) -> Tensor:
        if expects != "logits":
            return super().offset(where, x, class_offset, expects)
        return x + along_classes(beside(where, "class_offset", class_offset, x), x)

    def doubt(self, where: str, batch: Batch, expects: str) -> Tensor:
        if expects not in ("logits", "log_probs"):
            return super().doubt(where, batch, expects)
        nats = surprise(batch.input) if expects == "logits" else -batch.input
        return Classes(batch.target.index, batch.target.probs).expect(shortfall(nats))

    def why(self, where: str, batch: Batch) -> SteepestError | None:
        y = batch.target.index
        if y is None or not accept.can_read_values(y, batch.input):
            return None
        return accept.bad_label(where, y, batch.input.shape[1])


@dataclass(frozen=True)
class Parameters(TargetKind):
    """One number per item; the input holds the parameters of its distribution on axis 1, named here in their order."""

    parameters: tuple[str, ...] = ()

    def accept(self, where: str, x: Tensor, target: Any) -> Tensor:
        accept.accept_row(where, x, len(self.parameters), " and ".join(self.parameters))
        y = accept.accept_numbers(where, target, self.says)
        return accept.accept_items(where, x, y, self.items(x), "one number").to(x.dtype)


def parameters(*names: str) -> Parameters:
    """The kind of losses whose model predicts a distribution by these parameters: `parameters("mean", "log variance")`."""
    shape = f"(N, {len(names)}, *)"
    return Parameters("parameters", f"floating numbers (N, *), beside an input {shape}", True, parameters=names)


@dataclass(frozen=True)
class Ordinal(TargetKind):
    """An ordered class per item; the input holds C - 1 logits, one per step from a class to the next. The body is given Levels."""

    def batch(self, where: str, x: Tensor, target: Any, options: Options, safe: tuple[float, float]) -> Batch:
        n_classes = x.shape[1] + 1 if x.dim() > 1 else 0
        if n_classes < 2:
            raise ShapeError(
                where=where,
                seen=f"input has shape {tuple(x.shape)}",
                needed="(N, C-1, *) was needed: one logit per step from a class to the next",
                repair="For one sample: input.unsqueeze(0) and target.unsqueeze(0).",
            )
        if options.is_smoothed:
            self.refuse(where, "label_smoothing", options.smoothing, "labels without an order")
        y = accept.accept_indices(where, x, target, self.items(x))
        accept.accept_same_device(where, x, target=y, weight=options.weight, mask=options.mask)
        per_class = accept.accept_class_weight(where, options.class_weight, n_classes, x)
        live = liveness(where, self.items(x), options, ignored(y, options.ignore_index))
        alive = live.alive
        if alive is not None:
            y = torch.where(alive, y, 0)
        accept.accept_labels(where, y, n_classes)
        weight = live.weight
        if per_class is not None:
            factor = per_class[y]
            weight = factor if weight is None else weight * factor
            alive = both(alive, factor != 0)
        if alive is not None:
            x = torch.where(alive.unsqueeze(1), x, safe[0])
        return Batch(x, Levels(y), Live(weight, live.present, alive))

    def logits(self, p: Tensor, least: float) -> Tensor:
        return binary.logits(p, least)


@dataclass(frozen=True)
class Levels:
    """Ordered classes, index (N, *) in 0..C-1, seen from the C - 1 steps between them."""

    index: Tensor

    def passed(self, like: Tensor) -> Tensor:
        """Which steps the class lies beyond, (N, C-1, *) as the logits: the class is greater than k."""
        return self.index.unsqueeze(1) > self._steps(like)

    def reached(self, like: Tensor) -> Tensor:
        """Which steps the class stood before, (N, C-1, *): the class is at least k."""
        return self.index.unsqueeze(1) >= self._steps(like)

    @staticmethod
    def _steps(like: Tensor) -> Tensor:
        return torch.arange(like.shape[1], device=like.device).reshape(-1, *[1] * (like.dim() - 2))


same_as_input = TargetKind("same", "floating numbers of the input's shape (N, *)")
binary = Labels01("binary", "numbers in [0, 1] of the input's shape (N, *)")
classes = ClassTargets("classes", "class indices (N, *), or probabilities of the input's shape (N, C, *)", True)
distribution = Distribution("distribution", "probabilities of the input's shape (N, C, *)", True)
multilabel = LabelRows("multilabel", "labels in [0, 1] of the input's shape (N, C, *), any number of them 1", True)
vectors = Vectors("vectors", "vectors of the input's shape (N, D, *)", True)
teacher = Rows("teacher", "logits of the input's shape (N, C, *), given by another model", True)
boxes = Rows("boxes", "boxes (x1, y1, x2, y2) of the input's shape (N, 4, *)", True, length=4, row="corners x1, y1, x2, y2")
preferences = Rows(
    "preferences",
    "log-probabilities of both answers under the reference model, of the input's shape (N, 2)",
    True,
    length=2,
    row="log-probabilities of the chosen and of the rejected answer",
)
ordinal = Ordinal("ordinal", "ordered classes 0..C-1 (N, *), beside an input (N, C-1, *)", True)


@dataclass(frozen=True)
class Classes:
    """Class targets, hard or soft, with the class weights and the smoothing already known to them.

    index (N, *): hard labels, or None. probs (N, C, *): soft labels, or None. class_weight (C,) or None.
    A body computes one value per class, (N, C, *), "what the item costs if the true class is c", and returns `target.expect(values)`.
    """

    index: Tensor | None
    probs: Tensor | None
    class_weight: Tensor | None = None
    smoothing: float | Tensor = 0.0

    def expect(self, values: Tensor) -> Tensor:
        """Sum over c of class_weight_c x q_c x values_c; values (N, C, *) -> (N, *)."""
        if self.index is None:
            return (self._smoothed(values) * self._weighted(values)).sum(1)
        picked = values.gather(1, self.index.unsqueeze(1)).squeeze(1)
        if self.class_weight is not None:
            picked = picked * self.class_weight[self.index]
        if self._is_unsmoothed():
            return picked
        return torch.lerp(picked, self._weighted(values).mean(1), self._ratio(picked))

    def shares(self, like: Tensor) -> Tensor:
        """class_weight_c x q_c, smoothed: how much each class counts in an item, (N, C, *) as the logits `like`."""
        if self.index is None:
            q = self._smoothed(like)
        else:
            q = torch.zeros_like(like).scatter(1, self.index.unsqueeze(1), 1.0)
            if not self._is_unsmoothed():
                q = torch.lerp(q, torch.full_like(q, 1.0 / like.shape[1]), self._ratio(q))
        return self._weighted(q)

    def factor(self) -> Tensor | None:
        """Each item's class weight, (N, *), of the unsmoothed label; None when there are no class weights."""
        if self.class_weight is None:
            return None
        if self.index is not None:
            return self.class_weight[self.index]
        assert self.probs is not None
        return (self.probs * self._along_classes(self.class_weight, self.probs)).sum(1)

    def _is_unsmoothed(self) -> bool:
        return not isinstance(self.smoothing, Tensor) and self.smoothing == 0.0

    def _ratio(self, like: Tensor) -> Tensor:
        return torch.as_tensor(self.smoothing, dtype=like.dtype, device=like.device)

    def _smoothed(self, values: Tensor) -> Tensor:
        assert self.probs is not None
        if self._is_unsmoothed():
            return self.probs
        return self.probs + self._ratio(values) * (1.0 / values.shape[1] - self.probs)

    def _weighted(self, values: Tensor) -> Tensor:
        return values if self.class_weight is None else values * self._along_classes(self.class_weight, values)

    @staticmethod
    def _along_classes(vector: Tensor, like: Tensor) -> Tensor:
        return vector.reshape(-1, *[1] * (like.dim() - 2))
