"""The target: what kind of task it makes, and its classes numbered from 0.

A class or a number per sample, several labels per sample, a class for each place of a sample (pixels, tokens), or any numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from steepest.core.errors import DataError

from .frame import is_frame

# Whole numbers are classes. With more of them than this, and fewer samples of each than that, they may be measurements.
MANY_CLASSES, FEW_SAMPLES = 20, 10
LEFT_OUT = -100
"""A place with this label has none: padding, or a pixel that nobody judged. torch's ignore_index."""
UNJUDGED = 255
"""What masks in 8 bits, such as those of Pascal VOC, say instead."""
Task = Literal["classification", "multilabel", "regression"]


@dataclass(frozen=True)
class Target:
    """values: class indices in int64, or numbers in float32."""

    values: Tensor
    task: Task
    n_classes: int | None = None
    class_names: tuple[str, ...] | None = None


def read_target(
    y: Any, where: str, task: str | None, class_names: Sequence[str] | None = None, x_shape: tuple[int, ...] = ()
) -> Target:
    """The target as the task that it makes: see Data.of. x_shape: of one sample of x."""
    if task not in (None, "classification", "multilabel", "regression"):
        raise DataError(
            where=where, seen=f"task is {task!r}", needed="'classification', 'multilabel' or 'regression' was needed",
            repair="Leave task out to let the target decide.",
        )
    categories = getattr(getattr(y, "dtype", None), "categories", None)
    values = _as_array(y, where)
    if values.ndim == 2 and values.shape[1] == 1 and task != "multilabel":
        values = values[:, 0]
    if values.ndim == 0 or task is None and values.ndim > 2 and len(x_shape) < 2:
        raise DataError(
            where=where, seen=f"y has shape {values.shape}",
            needed="one label, or one row of numbers, per sample was needed", repair="Are x and y exchanged?",
        )
    _refuse_missing(values, where)
    if values.dtype.kind == "O":
        values = _settled(values, where)
    if task is None:
        if values.ndim > 1:
            task = _task_of_many(values, where, x_shape)
        else:
            task = "classification" if categories is not None else _task_of(values, where)
    if task == "regression":
        return Target(_numbers(values, where), "regression")
    if task == "multilabel":
        return _several(values, where, class_names)
    if values.ndim > 1:
        return _places(values, where, class_names)
    return _classes(values, where, class_names, categories)


def refuse_other_order(x: Any, y: Any, where: str) -> None:
    """Two pandas objects with the same row labels in another order would be paired wrongly by position."""
    a: Any = getattr(x, "index", None)
    b: Any = getattr(y, "index", None)
    if not (hasattr(a, "equals") and hasattr(b, "equals")) or len(a) != len(b) or a.equals(b):
        return
    if a.is_unique and a.sort_values().equals(b.sort_values()):
        raise DataError(
            where=where, seen="x and y have the same row labels in different order",
            needed="rows of x and y that belong together were needed",
            consequence="Rows are paired by position, so each would get another's target.",
            repair="y = y.loc[x.index] brings them into one order.",
        )


# -- one array ---------------------------------------------------------------------------------------------------------


def _as_array(y: Any, where: str) -> np.ndarray:
    if isinstance(y, Tensor):
        if y.layout != torch.strided or y.is_complex() or y.is_nested or y.is_quantized or y.is_meta:
            kind = "nested" if y.is_nested else f"{y.dtype} of layout {y.layout} on {y.device}"
            raise DataError(
                where=where, seen=f"y is {kind}", needed="dense labels or numbers, with values, were needed",
                repair="y.to_dense(), y.dequantize() or y.real",
            )
        y = y.detach().cpu()
        return (y.float() if y.dtype == torch.bfloat16 else y).numpy()
    if is_frame(y):
        return y.to_numpy()
    if hasattr(y, "to_numpy"):
        return np.asarray(y.to_numpy())
    if isinstance(y, (list, tuple)) and y and isinstance(y[0], Tensor):
        return np.asarray([v.item() if v.numel() == 1 else v.tolist() for v in y])
    if isinstance(y, (list, tuple)) and any(isinstance(v, str) for v in y):
        return np.asarray(y, dtype=object)  # numpy would turn a number among words, or None, into a word
    try:
        return np.asarray(y)
    except ValueError as error:
        raise DataError(
            where=where, seen="targets have different lengths", needed="one target per sample was needed",
            repair="Give each sample one label.",
        ) from error


def _is_one_hot(values: np.ndarray) -> bool:
    if values.ndim != 2 or values.dtype.kind not in "biuf" or not len(values):
        return False
    return bool(np.isin(values, (0, 1)).all() and (values.sum(1) == 1).all())


def _one_hot(values: np.ndarray, where: str) -> DataError:
    return DataError(
        where=where, seen=f"y has shape {values.shape}", needed="one class per sample was needed",
        repair="One-hot rows become classes by y.argmax(1); task='multilabel' takes them as labels that exclude nothing.",
    )


def _refuse_missing(values: np.ndarray, where: str) -> None:
    if values.dtype.kind not in "Of":
        return
    if values.dtype.kind == "f":
        missing = np.isnan(values)
    else:
        missing = np.asarray([_is_missing(v) for v in values.flat], dtype=bool).reshape(values.shape)
    if missing.any():
        row = int(np.argwhere(missing)[0][0])
        raise DataError(
            where=where,
            seen=f"{int(missing.sum())} of the targets are missing, the first in row {row} (counted from 0)",
            needed="every row must have its target", repair="Leave these rows out: a missing target teaches nothing.",
        )


def _is_missing(value: Any) -> bool:
    """None, NaN, and pandas' NA and NaT, whose comparisons are neither true nor false."""
    if isinstance(value, (float, np.floating)):
        return bool(value != value)
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _settled(values: np.ndarray, where: str) -> np.ndarray:
    """Python objects as one kind: words, truth values or numbers."""
    kinds = {type(v) for v in values.flat}
    if all(issubclass(k, (str, np.str_)) for k in kinds):
        return values.astype(str)
    if all(issubclass(k, (bool, np.bool_)) for k in kinds):
        return values.astype(bool)
    if all(issubclass(k, (int, np.integer)) and not issubclass(k, bool) for k in kinds):
        return values.astype(np.int64)
    try:
        if not any(issubclass(k, (str, bytes, bool)) for k in kinds):
            return values.astype(np.float64)
    except (TypeError, ValueError):
        pass
    raise DataError(
        where=where, seen=f"targets mix {' and '.join(sorted(k.__name__ for k in kinds))}",
        needed="labels of one kind were needed",
        repair="[str(v) for v in y] makes words of all; check that 1 and '1' mean the same.",
    )


# -- the task ----------------------------------------------------------------------------------------------------------


def _task_of_many(values: np.ndarray, where: str, x_shape: tuple[int, ...]) -> Task:
    """Of several numbers per sample. Whole numbers are classes of places where x is no table and has those places too."""
    if _is_one_hot(values):
        raise _one_hot(values, where)
    is_01 = values.dtype.kind == "b" or values.dtype.kind in "iuf" and bool(np.isin(values, (0, 1)).all())
    places = values.shape[1:]
    has_places = len(places) > 1 or places == x_shape[:1] and len(x_shape) == 2
    if values.dtype.kind == "f":
        return "multilabel" if values.ndim == 2 and is_01 and not has_places else "regression"
    if values.dtype.kind not in "biu" or not has_places and not is_01:
        raise DataError(
            where=where, seen=f"y has shape {values.shape}", needed="one class per sample was needed",
            repair="Say task='regression' for several numbers per sample, task='classification' for a class at each place.",
        )
    return "classification" if has_places else "multilabel"


def _task_of(values: np.ndarray, where: str) -> Task:
    if values.dtype.kind in "bUS":
        return "classification"
    if values.dtype.kind not in "iuf":
        raise DataError(
            where=where, seen=f"y holds {values.dtype}", needed="labels or numbers were needed",
            repair="For dates: a number such as days since the first one.",
        )
    distinct = len(np.unique(values))
    crowded = distinct > MANY_CLASSES and distinct * FEW_SAMPLES > len(values)
    if values.dtype.kind == "f":
        whole = bool((values == np.floor(values)).all())
        return "classification" if whole and distinct <= MANY_CLASSES and 2 * distinct <= len(values) else "regression"
    if crowded:
        raise DataError(
            where=where, seen=f"the target has {distinct} different whole numbers in {len(values)} rows",
            needed="it must be clear whether they are classes or measurements",
            repair="Say task='regression' (--task regression) for measurements, task='classification' for classes.",
        )
    return "classification"


def _numbers(values: np.ndarray, where: str) -> Tensor:
    if values.dtype.kind not in "biuf":
        raise DataError(
            where=where,
            seen=f"targets are words, such as {str(values.flat[0])!r}" if values.dtype.kind in "US"
            else f"y holds {values.dtype}",
            needed="a regression needs numbers", repair="Leave task out, or convert the column to numbers.",
        )
    with np.errstate(over="ignore"):
        converted = torch.from_numpy(values.astype(np.float32))
    if bool((converted.isinf() & torch.from_numpy(np.isfinite(values.astype(np.float64)))).any()):
        raise DataError(
            where=where, seen="targets exceed what float32 holds (3.4e38)", needed="smaller numbers were needed",
            repair="Rescale the target, for example by its logarithm.",
        )
    return converted


def _several(values: np.ndarray, where: str, label_names: Sequence[str] | None) -> Target:
    """Rows of zeros and ones, (N, L): any number of labels per sample."""
    if values.ndim != 2 or values.dtype.kind not in "biuf" or not np.isin(values, (0, 1)).all():
        strange: Any = values[~np.isin(values, (0, 1))] if values.ndim == 2 and values.dtype.kind in "iuf" else ()
        raise DataError(
            where=where,
            seen=f"y holds {strange[0]}" if len(strange) else f"y has shape {values.shape} and holds {values.dtype}",
            needed="a row of zeros and ones per sample, (N, L), was needed",
            repair="sklearn.preprocessing.MultiLabelBinarizer makes them of lists of labels.",
        )
    names = None if label_names is None else tuple(map(str, label_names))
    if names is not None and len(names) != values.shape[1]:
        raise DataError(
            where=where, seen=f"{len(names)} names for {values.shape[1]} labels", needed="one name per label was needed",
            repair="Leave class_names out.",
        )
    return Target(torch.from_numpy(values.astype(np.float32)), "multilabel", None, names)


def _places(values: np.ndarray, where: str, class_names: Sequence[str] | None) -> Target:
    """A class for each place of a sample, (N, *); LEFT_OUT where there is none. Numbers stay as they are."""
    if values.ndim == 2 and _is_one_hot(values):
        raise _one_hot(values, where)
    whole = values.dtype.kind in "biu" or values.dtype.kind == "f" and bool((values == np.floor(values)).all())
    if not whole:
        raise DataError(
            where=where, seen=f"y has shape {values.shape} and holds {values.dtype}",
            needed="a whole number per place was needed", repair="Numbers that are no classes: task='regression'.",
        )
    labels = torch.from_numpy(values.astype(np.int64))
    judged = labels[labels != LEFT_OUT]
    least, most = (int(judged.min()), int(judged.max())) if len(judged) else (0, 0)
    if least < 0:
        raise DataError(
            where=where, seen=f"a place has the label {least}", needed="labels from 0 on were needed",
            repair=f"{LEFT_OUT} leaves a place out: y[y == {least}] = {LEFT_OUT}.",
        )
    names = None if class_names is None else tuple(map(str, class_names))
    below = judged[judged < UNJUDGED]
    if names is None and values.ndim > 2 and most == UNJUDGED and (not len(below) or int(below.max()) < UNJUDGED - 1):
        raise DataError(
            where=where, seen=f"places have the label {most} and none the label {most - 1}",
            needed="a class at each place, numbered without a gap before the last, was needed",
            consequence=f"There would be {most + 1} classes; masks in 8 bits use {most} for pixels that nobody judged.",
            repair=f"y[y == {most}] = {LEFT_OUT} leaves them out; class_names= with {most + 1} names keeps the class.",
        )
    if names is not None and most >= len(names):
        raise DataError(
            where=where, seen=f"a place has the label {most} and there are {len(names)} class names",
            needed="every label must have its name", repair=f"Where {most} means none: y[y == {most}] = {LEFT_OUT}.",
        )
    return Target(labels, "classification", most + 1 if names is None else len(names), names)


def _classes(values: np.ndarray, where: str, class_names: Sequence[str] | None, categories: Any) -> Target:
    if values.dtype.kind not in "biufUS":
        raise DataError(
            where=where, seen=f"y holds {values.dtype}", needed="labels were needed",
            repair="Turn them into words: y.astype(str).",
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise DataError(
            where=where, seen=f"the label in row {row} (counted from 0) is {values[row]}",
            needed="finite labels were needed", repair="Leave these rows out.",
        )
    if class_names is not None:
        return _named(values, where, tuple(str(n) for n in class_names))
    labels, index = np.unique(values, return_inverse=True)
    if categories is not None:  # the user's order of the categories, without those that never occur
        order = [c for c in categories if c in set(labels.tolist())]
        rank = {c: i for i, c in enumerate(order)}
        index, labels = np.asarray([rank[v] for v in labels.tolist()])[index], np.asarray(order, dtype=object)
    _refuse_measurements(values, len(labels), where)
    numbered = not any(isinstance(v, bool) for v in labels.tolist()) and labels.tolist() == list(range(len(labels)))
    names = None if numbered else tuple(_word(v) for v in labels.tolist())
    return Target(torch.from_numpy(index.reshape(-1).astype(np.int64)), "classification", len(labels), names)


def _named(values: np.ndarray, where: str, names: tuple[str, ...]) -> Target:
    """Labels that are already numbers of the given names; a name may be without samples."""
    if values.dtype.kind in "US":
        strange = sorted(set(values.tolist()) - set(names))
        if strange:
            raise DataError(
                where=where, seen=f"the label {strange[0]!r} is not among the class names",
                needed="every label must have its name", repair=f"Class names: {', '.join(names)}.",
            )
        values = np.asarray([names.index(v) for v in values.tolist()])
    if values.dtype.kind == "f" and (values != np.floor(values)).any() or not len(values):
        raise DataError(
            where=where, seen="labels are not whole numbers" if len(values) else "there are no labels",
            needed="numbers of classes were needed", repair="Leave class_names out.",
        )
    return Target(torch.from_numpy(values.astype(np.int64)), "classification", len(names), names)


def _refuse_measurements(values: np.ndarray, n_classes: int, where: str) -> None:
    if n_classes == len(values) > 2:
        raise DataError(
            where=where, seen=f"all {n_classes} labels differ", needed="classes with several samples each were needed",
            repair="For measurements: task='regression' (--task regression)." if values.dtype.kind in "iuf"
            else "Is this the column that names the rows?",
        )


def _word(label: Any) -> str:
    if isinstance(label, bytes):
        return label.decode("utf-8", "replace")
    return f"{label:g}" if isinstance(label, float) else str(label)
