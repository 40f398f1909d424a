"""Data: one frozen record of features and target, looked at once when it is made, so that nothing later needs to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from steepest.core.errors import DataError

from .features import read_features, refuse_not_finite
from .labels import LEFT_OUT, Task, read_target, refuse_other_order


@dataclass(frozen=True, eq=False, repr=False)
class Data:
    """Features x (N, *) in float32 and target y, by its task.

    classification: class indices in int64, (N,), or (N, *) for a class at each place (pixels, tokens), where LEFT_OUT
    (-100) marks a place without one. multilabel: zeros and ones (N, L) in float32. regression: numbers (N, *) in float32.
    Make one with `Data.of(x, y)`, which converts; the constructor only checks. class_names[i] is what class i, or label i,
    is called, if it has names.
    """

    x: Tensor
    y: Tensor
    task: Task
    name: str = "data"
    n_classes: int | None = None
    class_names: tuple[str, ...] | None = None
    feature_names: tuple[str, ...] | None = None

    @staticmethod
    def of(
        x: Any, y: Any, *, task: Task | None = None, name: str = "data", class_names: Sequence[str] | None = None,
        feature_names: Sequence[str] | None = None,
    ) -> Data:
        """Data from arrays, tensors, tables or lists.

        x: numbers of any kind become float32; 8-bit images (uint8 with three or more axes) are scaled to [0, 1], 8-bit
        tables are not.
        y: words, truth values, categories and whole numbers are classes, other numbers a regression; rows of zeros and
        ones are labels of which a sample may bear several; whole numbers for each place of x are classes of the places
        (masks). `task` overrides: tokens (N, T) with a class each need task="classification", as a table might look so.
        Classes are numbered 0, 1, ... in sorted order. Missing and infinite values, one class alone, and lengths that
        differ are refused.
        """
        refuse_other_order(x, y, name)
        features, names = read_features(x, name, feature_names)
        target = read_target(y, name, task, class_names, tuple(features.shape[1:]))
        data = Data(features, target.values, target.task, name, target.n_classes, target.class_names, names)
        _refuse_one_class(data)
        return data

    def __post_init__(self) -> None:
        _check_shapes(self)
        refuse_not_finite(self.x, self.name, "x", self.feature_names)
        if self.task == "classification":
            _check_classes(self)
        elif self.task == "multilabel":
            _check_labels(self)
        else:
            refuse_not_finite(self.y, self.name, "y", None)
            _check_numbers(self)

    def numbered_as(self, names: Sequence[str] | None, n_classes: int) -> Data:
        """The same rows with their classes numbered as elsewhere, such as in training.

        names: of class 0, 1, ...; None where classes are called by their numbers. A class not among them is refused.
        """
        if self.strata is None:
            return self
        known = {name: i for i, name in enumerate(names or map(str, range(n_classes)))}
        own = self.class_names or tuple(map(str, range(self.n_classes or 0)))
        unknown = [name for name in own if name not in known]
        if unknown:
            raise DataError(
                where=self.name, seen=f"a class {unknown[0]!r}",
                needed=f"the classes of training were needed: {', '.join(known)}",
                repair="Leave those rows out, or train on them too.",
            )
        y = torch.tensor([known[name] for name in own])[self.y]
        return replace(self, y=y, n_classes=len(known), class_names=None if names is None else tuple(names))

    @property
    def n_samples(self) -> int:
        return self.x.shape[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample."""
        return tuple(self.x.shape[1:])

    @property
    def n_features(self) -> int:
        """Numbers per sample."""
        return self.x[0].numel()

    @property
    def has_places(self) -> bool:
        """A class at each place of a sample, where others have one for all of it."""
        return self.task == "classification" and self.y.dim() > 1

    @property
    def strata(self) -> Tensor | None:
        """The class of each sample (N,), whose shares a split keeps; None where samples have no one class."""
        return self.y if self.task == "classification" and self.y.dim() == 1 else None

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of the SHA-256 of the bytes of x and y, the same on every machine."""
        digest = hashlib.sha256()
        for tensor in (self.x, self.y):
            array = tensor.contiguous().numpy()
            digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).data.cast("B"))
        return digest.hexdigest()[:16]

    def __repr__(self) -> str:
        what = f"{self.n_classes} classes" if self.n_classes else f"target {tuple(self.y.shape[1:]) or 'of one number'}"
        size = f"{self.n_samples} samples of shape {self.shape}"
        return f"<Data {self.name}: {size}, {self.task}, {what}, {self.fingerprint}>"


def _check_shapes(data: Data) -> None:
    x, y = data.x, data.y
    if data.task not in ("classification", "multilabel", "regression"):
        raise DataError(
            where=data.name, seen=f"task is {data.task!r}",
            needed="'classification', 'multilabel' or 'regression' was needed",
            repair="Leave task out to let the target decide.",
        )
    wanted = torch.int64 if data.task == "classification" else torch.float32
    if not (isinstance(x, Tensor) and isinstance(y, Tensor)) or x.dtype != torch.float32 or y.dtype != wanted:
        kinds = [str(v.dtype) if isinstance(v, Tensor) else type(v).__name__ for v in (x, y)]
        raise DataError(
            where=data.name, seen=f"x is {kinds[0]} and y is {kinds[1]}",
            needed=f"tensors of torch.float32 and {wanted} were needed",
            repair="Data.of(x, y) converts.",
        )
    if len(x) != len(y):
        raise DataError(
            where=data.name, seen=f"x has {len(x)} rows and y has {len(y)}", needed="one target per row was needed",
            repair="Were rows dropped from one of them only?",
        )
    if x.numel() == 0:
        what = "there are no rows" if len(x) == 0 else f"rows have shape {tuple(x.shape[1:])}: no feature"
        raise DataError(
            where=data.name, seen=what, needed="samples with features were needed",
            repair="Is the filter, or the list of columns, right?",
        )


def _check_classes(data: Data) -> None:
    y, n = data.y, data.n_classes
    if y.dim() == 0 or not n:
        raise DataError(
            where=data.name, seen=f"y has shape {tuple(y.shape)} and n_classes is {n}",
            needed="one class index per row, and n_classes, were needed",
            repair="Data.of(x, y) finds both.",
        )
    outside = (((y < 0) | (y >= n)) & ((y != LEFT_OUT) | (y.dim() == 1))).nonzero()
    if len(outside):
        at = tuple(outside[0].tolist())
        raise DataError(
            where=data.name, seen=f"y[{', '.join(map(str, at))}] is {int(y[at])} and there are {n} classes",
            needed=f"labels in 0..{n - 1} were needed",
            repair="Data.of(x, y) numbers the classes." if not data.class_names
            else f"There are {len(data.class_names)} class names: is one missing?",
        )
    if n == 1:
        _refuse_one_class(data)


def _refuse_one_class(data: Data) -> None:
    """Of all the data; a part of them, whose classes are known from the whole, may have one class."""
    if data.task != "classification":
        return
    y = data.y
    judged = y[y != LEFT_OUT] if y.dim() > 1 else y
    if not len(judged) or bool((judged == judged[0]).all()):
        only = int(judged[0]) if len(judged) else LEFT_OUT
        called = repr(data.class_names[only]) if data.class_names and only >= 0 else f"class {only}"
        raise DataError(
            where=data.name, seen=f"every label is {called}", needed="at least two classes were needed",
            consequence="Any model would be right by always giving that answer.",
            repair="Is this the right target column, or were the rows filtered by it?",
        )


def _check_labels(data: Data) -> None:
    y = data.y
    if y.dim() != 2 or not bool(((y == 0) | (y == 1)).all()):
        raise DataError(
            where=data.name, seen=f"y has shape {tuple(y.shape)}" if y.dim() != 2 else "y holds more than zeros and ones",
            needed="zeros and ones (N, L) were needed", repair="Data.of(x, y, task='multilabel') converts.",
        )
    if bool((y == y[:1]).all()):
        raise DataError(
            where=data.name, seen="every sample has the same labels", needed="samples that differ were needed",
            consequence="There is nothing to predict.", repair="Are these the right target columns?",
        )


def _check_numbers(data: Data) -> None:
    constant = (data.y == data.y[:1]).reshape(len(data.y), -1).all(0)
    constant = (constant if data.y.dim() < 3 else constant.all(0, keepdim=True)).nonzero()
    if len(constant):
        column = f" in column {int(constant[0])}" if data.y.dim() == 2 else ""
        raise DataError(
            where=data.name,
            seen=f"every target{column} is {float(data.y.reshape(len(data.y), -1)[0, int(constant[0])]):g}",
            needed="targets that differ were needed", consequence="There is nothing to predict.",
            repair="Is this the right target column?",
        )
