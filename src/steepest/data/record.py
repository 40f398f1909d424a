"""Data: one frozen record of features and target, looked at once when it is made, so that nothing later needs to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor

from steepest.core.errors import DataError

from .features import read_features, refuse_not_finite
from .labels import refuse_other_order, read_target

Task = Literal["classification", "regression"]


@dataclass(frozen=True, eq=False, repr=False)
class Data:
    """Features x (N, *) in float32 and target y: class indices (N,) in int64, or numbers (N,) or (N, T) in float32.

    Make one with `Data.of(x, y)`, which converts; the constructor only checks. class_names[i] is what class i is
    called, if it has names.
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
        y: words, truth values, categories and whole numbers are classes, other numbers a regression; `task` overrides.
        Classes are numbered 0, 1, ... in sorted order. Missing and infinite values, one class alone, and lengths that
        differ are refused.
        """
        refuse_other_order(x, y, name)
        features, names = read_features(x, name, feature_names)
        target = read_target(y, name, task, class_names)
        return Data(features, target.values, target.task, name, target.n_classes, target.class_names, names)

    def __post_init__(self) -> None:
        _check_shapes(self)
        refuse_not_finite(self.x, self.name, "x", self.feature_names)
        if self.task == "classification":
            _check_classes(self)
        else:
            refuse_not_finite(self.y, self.name, "y", None)
            _check_numbers(self)

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
    if data.task not in ("classification", "regression"):
        raise DataError(
            where=data.name, seen=f"task is {data.task!r}", needed="'classification' or 'regression' was needed",
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
    if y.dim() != 1 or not n:
        raise DataError(
            where=data.name, seen=f"y has shape {tuple(y.shape)} and n_classes is {n}",
            needed="one class index per row, and n_classes, were needed",
            repair="Data.of(x, y) finds both.",
        )
    outside = ((y < 0) | (y >= n)).nonzero()
    if len(outside):
        row = int(outside[0])
        raise DataError(
            where=data.name, seen=f"y[{row}] is {int(y[row])} and there are {n} classes",
            needed=f"labels in 0..{n - 1} were needed",
            repair="Data.of(x, y) numbers the classes." if not data.class_names
            else f"There are {len(data.class_names)} class names: is one missing?",
        )
    if bool((y == y[0]).all()):
        called = repr(data.class_names[int(y[0])]) if data.class_names else f"class {int(y[0])}"
        raise DataError(
            where=data.name, seen=f"every label is {called}", needed="at least two classes were needed",
            consequence="Any model would be right by always giving that answer.",
            repair="Is this the right target column, or were the rows filtered by it?",
        )


def _check_numbers(data: Data) -> None:
    if data.y.dim() > 2:
        raise DataError(
            where=data.name, seen=f"y has shape {tuple(data.y.shape)}", needed="(N,) or (N, T) numbers were needed",
            repair="y.reshape(len(y), -1)",
        )
    constant = (data.y == data.y[:1]).reshape(len(data.y), -1).all(0).nonzero()
    if len(constant):
        column = f" in column {int(constant[0])}" if data.y.dim() > 1 else ""
        raise DataError(
            where=data.name,
            seen=f"every target{column} is {float(data.y.reshape(len(data.y), -1)[0, int(constant[0])]):g}",
            needed="targets that differ were needed", consequence="There is nothing to predict.",
            repair="Is this the right target column?",
        )
