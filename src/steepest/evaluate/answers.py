"""What a model answers for every row of the data, once: outputs on the CPU beside targets, weights and losses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from steepest.core.errors import DataError, LabelError, ModelError, ShapeError, SteepestError, UsageError
from steepest.core.sealed import sealed
from steepest.fit.batches import Batch, Given, Rows, leaves
from steepest.fit.objective import Objective
from steepest.fit.passing import called

KINDS = ("classification", "multilabel", "regression", "segmentation")


@dataclass(frozen=True, eq=False)
class Answers:
    """kind: one of KINDS. scores: logits (N, C) of classes, (N, L) of labels; numbers (N, T); of segmentation the class
    of each place (N, P). target: (N,), (N, L), (N, T), (N, P), -1 where a place is ignored. losses (N,): what each row
    costs. weight (N,). has_probabilities: the scores are logits, or logarithms of probabilities."""

    kind: str
    scores: Tensor
    target: Tensor
    losses: Tensor
    weight: Tensor | None
    n_classes: int
    names: tuple[str, ...]
    has_probabilities: bool
    loss_name: str

    def __len__(self) -> int:
        return len(self.target)

    @cached_property
    def probabilities(self) -> Tensor:
        """(N, C), or (N, L) of labels."""
        return self.scores.sigmoid() if self.kind == "multilabel" else self.scores.softmax(1)

    @property
    def predicted(self) -> Tensor:
        """Classes (N,), labels (N, L) of 0 and 1, numbers (N, T), or the class of each place (N, P)."""
        if self.kind == "classification":
            return self.scores.argmax(1)
        return (self.scores > 0).long() if self.kind == "multilabel" else self.scores

    @property
    def is_right(self) -> Tensor:
        """The share of each row that is right, (N,) in float64: 0 or 1 for classes; of labels, all of them."""
        hits = self.predicted == self.target
        if self.kind == "segmentation":
            known = self.target >= 0
            return (hits & known).sum(1).double() / known.sum(1).clamp(min=1)
        return (hits if hits.dim() == 1 else hits.all(1)).double()

    def take(self, index: Tensor) -> Answers:
        weight = None if self.weight is None else self.weight[index]
        return replace(
            self, scores=self.scores[index], target=self.target[index], losses=self.losses[index], weight=weight
        )


@dataclass(frozen=True)
class Reading:
    """How outputs are read. from_logits: None where only the order of the scores means something."""

    kind: str
    from_logits: bool | None
    ignore_index: int | None
    objective: Objective | None


def answers(
    model: Any, source: Rows | Given, reading: Reading, names: Sequence[str] | None, device: torch.device
) -> Answers:
    """Every row through the model, without gradients, in evaluation mode; the model keeps the mode it has."""
    scores, targets, losses, weights, width = [], [], [], [], 0
    with sealed("evaluate"), evaluating(model), torch.no_grad():
        for batch in source.epoch(0):
            output = _output(model, batch, device)
            width = output.shape[1] if output.dim() > 1 else 1
            losses.append(_losses(reading, output, batch, device))
            score, target = _read(reading, output.cpu(), _target(batch).cpu())
            scores.append(score)
            targets.append(target)
            weights.append(batch.weight)
    joined, target = _joined(scores, 0), _joined(targets, -1)
    _refuse(joined.isnan(), ModelError, "the model gives NaN", "Has training diverged, or does the row hold a NaN?")
    if reading.from_logits and joined.shape[1] > 1:
        undefined = (joined == torch.inf) | (joined == -torch.inf).all(1, keepdim=True)
        _refuse(
            undefined,
            ModelError,
            "no softmax is defined",
            "Has training diverged? A class that cannot be has -inf alone.",
        )
    _refuse(target.isnan(), DataError, "the target is NaN", "Leave such rows out: x[~y.isnan()], y[~y.isnan()].")
    n_classes = max(2, width) if reading.kind == "segmentation" else joined.shape[1]
    weight = None if weights[0] is None else torch.cat([w.cpu().double() for w in weights if w is not None])
    loss = reading.objective.loss if reading.objective is not None else None
    return Answers(
        kind=reading.kind,
        scores=joined,
        target=target,
        losses=torch.cat(losses),
        weight=weight,
        n_classes=n_classes,
        names=_names(names, n_classes, reading.kind),
        has_probabilities=reading.kind in ("classification", "multilabel") and reading.from_logits is not None,
        loss_name=_loss_name(loss, reading.kind),
    )


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Every module of the model is in evaluation mode inside, and in its own outside."""
    modes = [(part, part.training) for part in model.modules()] if isinstance(model, nn.Module) else []
    if isinstance(model, nn.Module):
        model.eval()
    try:
        yield
    finally:
        for part, is_training in modes:
            part.training = is_training


def _output(model: Any, batch: Batch, device: torch.device) -> Tensor:
    try:
        output = called(model, batch.inputs)
    except Exception as error:
        shapes = ", ".join(str(tuple(leaf.shape)) for leaf in leaves(batch.inputs))
        raise ModelError(
            where=type(model).__name__,
            seen=f"a batch of shape {shapes} raised {type(error).__name__}: {error}",
            needed="the model must take a batch of the data",
            repair=f"Does the first layer fit one row, and its dtype the weights'? The data are on {device}.",
        ) from error
    if not isinstance(output, Tensor):
        raise ModelError(
            where=type(model).__name__,
            seen=f"it gives a {type(output).__name__}",
            needed="one tensor was needed",
            repair="Wrap it: a module whose forward returns the part that is judged.",
        )
    return output


def _target(batch: Batch) -> Tensor:
    if isinstance(batch.target, Tensor):
        return batch.target
    raise DataError(
        where="evaluate",
        seen=f"the target is a {type(batch.target).__name__}",
        needed="one tensor was needed",
        repair="Say how a batch is read: unpack=lambda batch: (inputs, target).",
    )


# -- what an output means --------------------------------------------------------------------------------------------


def _read(reading: Reading, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """(scores, target) of a batch in the form of Answers."""
    if reading.kind == "regression":
        numbers, wanted = (t.reshape(len(t), -1).double() for t in (output, target))
        return _same_shape(numbers, wanted)
    if reading.kind == "multilabel":
        scores, labels = _same_shape(output.reshape(len(output), -1), target.reshape(len(target), -1))
        return _logits(reading, scores, each=True), labels.long()
    if reading.kind == "segmentation":
        places = output.argmax(1).flatten(1) if output.shape[1] > 1 else _above(reading, output[:, 0]).flatten(1)
        labels = target.reshape(len(target), -1).long()
        if reading.ignore_index is not None:
            labels = torch.where(labels == reading.ignore_index, -1, labels)
        if places.shape != labels.shape:
            raise _misfit(output, target)
        _refuse_labels(labels[labels >= 0] if reading.ignore_index is not None else labels, max(2, output.shape[1]))
        return places, labels
    return _read_classes(reading, output, target)


def _read_classes(reading: Reading, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Classes of a row; one number for two classes becomes two logits."""
    scores = output.reshape(len(output), -1)
    if target.numel() != len(output):
        raise _misfit(output, target)
    labels = target.reshape(-1).long()
    logits = _logits(reading, scores, each=scores.shape[1] == 1)
    if logits.shape[1] == 1:
        logits = torch.cat([torch.zeros_like(logits), logits], 1)
    _refuse_labels(labels, logits.shape[1])
    return logits, labels


def _logits(reading: Reading, scores: Tensor, *, each: bool) -> Tensor:
    """Logits in float64: probabilities become logits; scores that are neither stay. each: every column for itself."""
    scores = scores.double()
    if reading.from_logits is not False:
        return scores
    low, high = scores.aminmax()
    if low < 0 or high > 1 or not each and bool(((scores.sum(1) - 1).abs() > 1e-3).any()):
        raise UsageError(
            where="evaluate",
            seen=f"from_logits=False, and the model gives numbers from {float(low):.3g} to {float(high):.3g}",
            needed="probabilities were needed" + ("" if each else ", which add up to 1 in each row"),
            repair="from_logits=True if the last layer is linear.",
        )
    tiny = torch.finfo(torch.float32).tiny
    p = scores.clamp(tiny, 1.0)
    return p.log() - (1 - scores).clamp(tiny, 1.0).log() if each else p.log()


def _above(reading: Reading, scores: Tensor) -> Tensor:
    """Class 1 of a single output."""
    return (scores > (0.5 if reading.from_logits is False else 0.0)).long()


def _losses(reading: Reading, output: Tensor, batch: Batch, device: torch.device) -> Tensor:
    """What each row costs, (N,): by the loss; else the surprise of the true class, or the squared error."""
    target = _target(batch).to(output.device)
    if reading.objective is not None:
        found = reading.objective.per_row(output, target)
        if found is not None:
            return found.double().cpu()
    output, target = output.cpu(), target.cpu()
    if reading.kind == "regression":
        numbers, wanted = _read(reading, output, target)
        return (numbers - wanted).square().mean(1)
    if reading.kind == "segmentation":
        places, labels = _read(reading, output, target)
        return ((places != labels) & (labels >= 0)).double().mean(1)
    scores, labels = _read(reading, output, target)
    if reading.kind == "multilabel":
        return nn.functional.binary_cross_entropy_with_logits(scores, labels.double(), reduction="none").mean(1)
    return nn.functional.cross_entropy(scores, labels, reduction="none")


def _loss_name(loss: Any, kind: str) -> str:
    if loss is None:
        return {"regression": "squared error", "segmentation": "share of wrong places"}.get(kind, "cross-entropy")
    item = getattr(loss, "loss", None)
    name = getattr(item, "name", None) or getattr(loss, "__name__", None)
    return str(name) if name else type(loss).__name__


def _names(given: Sequence[str] | None, n_classes: int, kind: str) -> tuple[str, ...]:
    if given is None or kind == "regression":
        return tuple(str(i) for i in range(n_classes))
    if len(given) != n_classes:
        raise UsageError(
            where="class_names",
            seen=f"{len(given)} names and {n_classes} classes",
            needed="one name for each class was needed",
            repair="Names stand in the order of the class indices.",
        )
    return tuple(str(name) for name in given)


def _joined(parts: list[Tensor], rest: int) -> Tensor:
    """One tensor; images of fewer places than the largest are filled up, and their targets ignored."""
    if parts[0].dim() > 1:
        most = max(part.shape[1] for part in parts)
        parts = [nn.functional.pad(part, (0, most - part.shape[1]), value=rest) for part in parts]
    return torch.cat(parts)


# -- refusals --------------------------------------------------------------------------------------------------------


def _same_shape(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    if output.shape != target.shape:
        raise _misfit(output, target)
    return output, target


def _misfit(output: Tensor, target: Tensor) -> ShapeError:
    return ShapeError(
        where="evaluate",
        seen=f"the model gives {tuple(output.shape)} and the target is {tuple(target.shape)}",
        needed="an answer for each target was needed",
        repair="Is it the right task= ? " + ", ".join(KINDS) + ".",
    )


def _refuse_labels(labels: Tensor, n_classes: int) -> None:
    outside = (labels < 0) | (labels >= n_classes)
    if bool(outside.any()):
        raise LabelError(
            where="evaluate",
            seen=f"a label is {int(labels[outside][0])} and the model gives {n_classes} classes",
            needed=f"labels in 0..{n_classes - 1} were needed",
            repair="Was the model trained on other classes, or is it a value to ignore (ignore_index=)?",
        )


def _refuse(is_bad: Tensor, kind: type[SteepestError], seen: str, repair: str) -> None:
    if bool(is_bad.any()):
        rows = is_bad.reshape(len(is_bad), -1).any(1).nonzero()
        raise kind(
            where="evaluate",
            seen=f"{seen} for row {int(rows[0])} (first of {len(rows)})",
            needed="numbers were needed",
            consequence="Every number of the table would be NaN.",
            repair=repair,
        )
