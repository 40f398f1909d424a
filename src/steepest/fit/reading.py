"""The data of a run, whatever they come as: rows in memory, or batches as they are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import data as torch_data

from steepest.core.errors import DataError, UsageError
from steepest.core.streams import generator
from steepest.data import load
from steepest.data.record import Data
from steepest.data.split import set_aside
from steepest.data.standardise import Scale

from .batches import Given, Rows, leaves, mapped
from .links import what_it_takes
from .objective import as_loss


@dataclass
class Asked:
    """The parts of the data as batches, and what is known of them. task: None where nobody said what targets are."""

    train: Rows | Given
    validation: Rows | Given | None
    task: str | None
    data: Data | None
    facts: dict[str, Any]
    scales: Scales | None = None


def read_data(data: Any, asked: Mapping[str, Any], device: torch.device) -> Asked:
    size, seed, validation = asked["batch_size"], asked["seed"], asked["validation"]
    if _is_batches(data):
        train: Rows | Given = Given(data, asked["unpack"], device)
        return Asked(train, _other_part(validation, asked, device), None, None, {})
    if isinstance(data, torch_data.Dataset):
        _refuse_empty(data)
        loader = torch_data.DataLoader(data, size, shuffle=not isinstance(data, torch_data.IterableDataset))
        return Asked(Given(loader, asked["unpack"], device), _other_part(validation, asked, device), None, None, {})
    if isinstance(data, tuple) and len(data) in (2, 3) and _are_tensors(data):
        inputs, target, weight = (*data, None)[:3]
        return _of_tensors(inputs, target, weight, asked, device)
    read = load(data, task=asked["task"])
    kept: tuple[Any, Any] = (read, None)
    if isinstance(validation, float):
        keep, rest = cut(len(read.y), validation, read.strata, seed)
        kept = (_rows_of(read, keep), _rows_of(read, rest))
    elif validation is not None:
        kept = (read, load(validation, task=read.task).numbered_as(read.class_names, read.n_classes or 0))  # type: ignore[arg-type]
    scales = Scales.of(kept[0], read.task, asked["loss"]) if asked["standardise"] else None
    train = _as_rows(kept[0], scales, size, seed, device, shuffle=True)
    aside = None if kept[1] is None else _as_rows(kept[1], scales, size, seed, device, shuffle=False)
    facts = {"data": read.fingerprint, "standardise": asked["standardise"], "validation": _said(validation)}
    return Asked(train, aside, read.task, read, facts, scales)


def _of_tensors(inputs: Any, target: Any, weight: Any, asked: Mapping[str, Any], device: torch.device) -> Asked:
    """As they are: nothing is converted."""
    size, seed, validation = asked["batch_size"], asked["seed"], asked["validation"]
    whole = Rows(inputs, target, weight, batch_size=size, seed=seed)
    if not isinstance(validation, float):
        return Asked(whole.to(device), _other_part(validation, asked, device), None, None, {"rows": whole.n_rows})
    is_labels = isinstance(target, Tensor) and target.dim() == 1 and not target.is_floating_point()
    keep, aside = cut(whole.n_rows, validation, target.cpu() if is_labels else None, seed)
    parts = []
    for rows, shuffle in ((keep, True), (aside, False)):
        part = [mapped(lambda t: t.index_select(0, rows.to(t.device)), each) for each in (inputs, target, weight)]  # noqa: B023
        parts.append(Rows(*part, batch_size=size, seed=seed, shuffle=shuffle).to(device))
    return Asked(parts[0], parts[1], None, None, {"rows": whole.n_rows})


def _other_part(validation: Any, asked: Mapping[str, Any], device: torch.device) -> Rows | Given | None:
    """Validation data given by themselves."""
    if validation is None:
        return None
    if isinstance(validation, float):
        raise UsageError(
            where="fit",
            seen="validation is a share and the data are batches",
            needed="batches of their own were needed, as rows cannot be set aside from a loader",
            repair="validation=another_loader; or pass the tensors (x, y) themselves.",
        )
    if _is_batches(validation):
        return Given(validation, asked["unpack"], device)
    if isinstance(validation, torch_data.Dataset):
        return Given(torch_data.DataLoader(validation, asked["batch_size"]), asked["unpack"], device)
    if isinstance(validation, tuple) and len(validation) in (2, 3) and _are_tensors(validation):
        return Rows(*validation, batch_size=asked["batch_size"], shuffle=False).to(device)
    raise DataError(
        where="validation",
        seen=f"an object of class {type(validation).__name__}",
        needed="a share between 0 and 1, or the same form as the training data, was needed",
        repair="validation=0.2 sets a fifth of the rows aside; or give (x, y) of tensors, or a DataLoader.",
    )


def _is_batches(data: Any) -> bool:
    """A DataLoader, or an iterable of batches that is no data set by itself."""
    if isinstance(data, torch_data.DataLoader):
        return True
    plain = (str, bytes, Path, tuple, Tensor, Data, torch_data.Dataset, Mapping)
    if isinstance(data, plain) or hasattr(data, "to_pandas") or hasattr(data, "columns") or hasattr(data, "target"):
        return False
    return hasattr(data, "__iter__")


def _refuse_empty(data: Any) -> None:
    if hasattr(data, "__len__") and len(data) == 0:
        raise DataError(
            where="data",
            seen=f"the {type(data).__name__} is empty",
            needed="samples were needed",
            repair="Is the path right, or the filter?",
        )


def _are_tensors(parts: tuple[Any, ...]) -> bool:
    try:
        return all(leaves(part) for part in parts if part is not None)
    except DataError:
        return False


def cut(n_rows: int, share: float, labels: Tensor | None, seed: int) -> tuple[Tensor, Tensor]:
    if not 0 < share < 1:
        raise UsageError(
            where="fit",
            seen=f"validation is {share!r}",
            needed="a share between 0 and 1 was needed",
            repair="0.2 is usual.",
        )
    keep, aside = set_aside(n_rows, share, labels, generator("validation part", seed))
    if len(aside) == 0 or len(keep) == 0:
        raise DataError(
            where="fit",
            seen=f"{n_rows} rows and validation={share:g} leave a part without rows",
            needed="at least one row was needed in each part",
            repair="Bring more rows, or another share.",
        )
    return keep, aside


def _rows_of(data: Data, rows: Tensor) -> tuple[Tensor, Tensor]:
    return data.x.index_select(0, rows), data.y.index_select(0, rows)


@dataclass(frozen=True)
class Scales:
    """Of the training part. Labels, counts and amounts stay as they are: their losses need what is above zero."""

    x: Scale
    y: Scale | None

    @staticmethod
    def of(part: Any, task: str, loss: Any) -> Scales:
        x, y = _pair(part)
        is_plain = loss is None or what_it_takes(as_loss(loss))[0] in ("", "same")
        return Scales(
            Scale.per_feature(x) if x.dim() == 2 else Scale.overall(x),
            Scale.per_feature(y) if task == "regression" and is_plain else None,
        )


def _said(validation: Any) -> Any:
    return validation if validation is None or isinstance(validation, float) else "other data"


def _pair(part: Any) -> tuple[Tensor, Tensor]:
    return (part.x, part.y) if isinstance(part, Data) else part


def _as_rows(part: Any, scales: Scales | None, size: int, seed: int, device: torch.device, *, shuffle: bool) -> Rows:
    x, y = _pair(part)
    if scales is not None:
        x, y = scales.x.apply(x), y if scales.y is None else scales.y.apply(y)
    return Rows(x, y, batch_size=size, seed=seed, shuffle=shuffle).to(device)


class Encode:
    """Targets of data that we read, in the form that the loss and the output ask for.

    Indices, one-hot rows, or numbers.
    """

    def __init__(self, loss: Any, data: Data) -> None:
        kind = getattr(getattr(getattr(loss, "loss", None), "target", None), "name", "")
        self.wants_indices = kind == "classes" or not kind
        self.n_classes = data.n_classes

    def __call__(self, output: Any, target: Tensor) -> Tensor:
        if not isinstance(output, Tensor):
            return target
        if self.n_classes is None or output[0].numel() == 1:
            return target.to(output.dtype).reshape(output.shape) if target.numel() == output.numel() else target
        if self.wants_indices or output.dim() < 2 or output.shape[1] != self.n_classes:
            return target
        return nn.functional.one_hot(target, self.n_classes).to(output.dtype)
