"""What is asked of an evaluation, in words or objects, read and refused here when it makes no sense."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import data as torch_data

from steepest.core.errors import ModelError, UsageError
from steepest.core.sealed import sealed
from steepest.core.streams import generator
from steepest.data import load
from steepest.data.record import Data
from steepest.data.split import set_aside
from steepest.fit.batches import Given, Rows, leaves
from steepest.fit.links import what_it_takes
from steepest.fit.objective import Objective, as_loss
from steepest.fit.reading import Encode
from steepest.fit.trained import Trained, load_trained

from .answers import KINDS, Answers, Reading, answers

LABEL_KINDS = ("binary", "multilabel")


@dataclass(frozen=True)
class Asked:
    """All of the rows, and of them or of others the part by which temperature and threshold are chosen."""

    all: Answers
    aside: Answers | None
    rest: Answers
    model: str
    data: str


def asked_of(model: Any, data: Any, asked: Mapping[str, Any]) -> Asked:
    """The model's answers. The keywords are those of `evaluate`."""
    if isinstance(model, (str, Path)):
        return _of_folder(load_trained(model), data, asked)
    if hasattr(model, "module_") and hasattr(model, "loss_"):  # a fitted Classifier or Regressor
        return _of_estimator(model, data, asked)
    _check(model, asked)
    device = _device(model, asked["device"])
    source, read = _source(data, asked, device, _dtype(model))
    loss = None if asked["loss"] is None else as_loss(asked["loss"])
    reading = _reading(model, source, read, loss, asked)
    names = asked["class_names"] or (read.class_names if read is not None else None)
    found = answers(model, source, reading, names, device)
    name = read.name if read is not None else "the given data"
    if asked["held_out"] is not None and not isinstance(asked["held_out"], float):
        other, _ = _source(asked["held_out"], asked, device, _dtype(model))
        return Asked(found, answers(model, other, reading, names, device), found, _name(model), name)
    aside, rest = _halves(found, 0.5 if asked["held_out"] is None else asked["held_out"], asked["seed"])
    return Asked(found, aside, rest, _name(model), name)


def _of_folder(trained: Trained, data: Any, asked: Mapping[str, Any]) -> Asked:
    """A run of the command fit: the loss and the numbers of the classes are those of training."""
    known: dict[str, Any] = {"class_names": trained.class_names} if asked["class_names"] is None else {}
    if asked["loss"] is None and asked["from_logits"] is None:
        known |= {"loss": trained.loss} if trained.loss is not None else {"from_logits": trained.from_logits}
    if not isinstance(data, tuple):
        data = trained.read(load(data, task=trained.task))  # type: ignore[arg-type]
    return replace(
        asked_of(trained.model, data, {**asked, **known}), model=trained.about["model"] or _name(trained.model)
    )


def _of_estimator(model: Any, data: Any, asked: Mapping[str, Any]) -> Asked:
    """Its module, by its loss and with its classes."""
    names = [str(name) for name in getattr(model, "classes_", [])] or None
    known = {name: value for name, value in asked.items() if value is not None}
    told = {"loss": model.loss_, "class_names": names} if asked["from_logits"] is None else {"class_names": names}
    return replace(asked_of(model.module_, data, {**asked, **told, **known}), model=type(model).__name__)


def _check(model: Any, asked: Mapping[str, Any]) -> None:
    if not callable(model):
        raise ModelError(
            where="evaluate",
            seen=f"a {type(model).__name__}",
            needed="an nn.Module, a function of a batch, or the folder of a run was needed",
            repair="st.evaluate(model, (x, y), loss='cross_entropy')",
        )
    for name, is_right, needed in (
        ("level", 0 < asked["level"] < 1, "a share between 0 and 1, such as 0.95,"),
        ("batch_size", asked["batch_size"] >= 1, "a whole number >= 1"),
        ("task", asked["task"] in (None, *KINDS), f"one of {', '.join(KINDS)}"),
    ):
        if not is_right:
            raise UsageError(
                where="evaluate",
                seen=f"{name} is {asked[name]!r}",
                needed=f"{needed} was needed",
                repair=f"Leave {name} out.",
            )


def _name(model: Any) -> str:
    return type(model).__name__ if isinstance(model, nn.Module) else getattr(model, "__name__", type(model).__name__)


def _dtype(model: Any) -> torch.dtype:
    weights = next(model.parameters(), None) if isinstance(model, nn.Module) else None
    return weights.dtype if weights is not None and weights.is_floating_point() else torch.float32


def _device(model: Any, asked: Any) -> torch.device:
    """Where the model's weights are, unless another device is asked for."""
    weights = next(model.parameters(), None) if isinstance(model, nn.Module) else None
    here = torch.device("cpu") if weights is None else weights.device
    if asked is not None and torch.device(asked) != here:
        raise UsageError(
            where="evaluate",
            seen=f"device={asked!r} and the model is on {here}",
            needed="the model's own device was needed: an evaluation moves nothing",
            repair=f"model.to({asked!r}) before.",
        )
    return here


# -- the rows --------------------------------------------------------------------------------------------------------


def _source(
    data: Any, asked: Mapping[str, Any], device: torch.device, dtype: torch.dtype
) -> tuple[Rows | Given, Data | None]:
    """Batches in the order of the rows, and the data where they were read by us, with features in the model's dtype."""
    size = asked["batch_size"]
    if isinstance(data, torch_data.DataLoader):
        return Given(data, asked["unpack"], device), None
    if isinstance(data, torch_data.Dataset):
        return Given(torch_data.DataLoader(data, size), asked["unpack"], device), None
    if isinstance(data, tuple) and len(data) in (2, 3) and all(_is_tensors(part) for part in data):
        return Rows(*data, batch_size=size, shuffle=False, lends_copies=True).to(device), None
    if _is_batches(data):
        return Given(data, asked["unpack"], device), None
    task = asked["task"] if asked["task"] in ("classification", "regression", "multilabel") else None
    read = load(data, task=task)  # type: ignore[arg-type]
    return Rows(read.x.to(dtype), read.y, batch_size=size, shuffle=False, lends_copies=True).to(device), read


def _is_tensors(part: Any) -> bool:
    return (
        isinstance(part, Tensor)
        or isinstance(part, (tuple, list, Mapping))
        and len(part) > 0
        and all(isinstance(leaf, Tensor) for leaf in (part.values() if isinstance(part, Mapping) else part))
    )


def _is_batches(data: Any) -> bool:
    plain = (str, bytes, Path, tuple, Tensor, Data, Mapping)
    is_table = any(hasattr(data, name) for name in ("columns", "target", "to_pandas", "__array__"))
    return hasattr(data, "__iter__") and not isinstance(data, plain) and not is_table


def _halves(found: Answers, share: float, seed: int) -> tuple[Answers | None, Answers]:
    labels = found.target if found.kind == "classification" else None
    if not 0 < share < 1:
        raise UsageError(
            where="evaluate",
            seen=f"held_out is {share!r}",
            needed="a share between 0 and 1, or data, was needed",
            repair="0.5 is the default.",
        )
    rest, aside = set_aside(len(found), share, labels, generator("held out", seed))
    return (found.take(aside) if len(aside) else None), found.take(rest)


# -- what the outputs are --------------------------------------------------------------------------------------------


def _reading(model: Any, source: Rows | Given, read: Data | None, loss: Any, asked: Mapping[str, Any]) -> Reading:
    kind, given = what_it_takes(loss) if loss is not None else ("", "")
    with sealed("evaluate"):  # a loader draws from the global generator when it begins
        batch = next(iter(source.epoch(0)))
    target = leaves(batch.target)[0]
    task = asked["task"] or (read.task if read is not None else _task(target, kind))
    from_logits = asked["from_logits"]
    if from_logits is None and task != "regression":
        from_logits = _from_logits(given, loss, task)
    encode = Encode(loss, read) if read is not None and loss is not None else None
    objective = Objective(loss, None, encode) if loss is not None else None
    ignore = asked["ignore_index"]
    if ignore is None and objective is not None:
        bound = getattr(loss, "options", {}).get("ignore_index", getattr(loss, "ignore_index", None))
        ignore = bound if isinstance(bound, int) else None
    return Reading(task, from_logits, ignore, objective)


def _task(target: Tensor, kind: str) -> str:
    """By the form of the target, and where it is not enough by the loss; never by the values."""
    if not target.is_floating_point():
        if target.dim() == 1 or target.dim() == 2 and target.shape[1] == 1:
            return "classification"
        return "multilabel" if target.dim() == 2 and kind not in ("classes", "regions") else "segmentation"
    if kind in LABEL_KINDS:
        return "multilabel" if target.dim() == 2 and target.shape[1] > 1 else "classification"
    if kind == "regions":
        return "segmentation"
    return "regression"


def _from_logits(given: str, loss: Any, task: str) -> bool | None:
    """Told by the loss; where there is none it must be said."""
    if given in ("logits", "log_probs"):
        return True
    if given == "probs":
        return False
    if given in ("values", "cosines") and loss is not None and hasattr(loss, "loss"):
        return None
    raise UsageError(
        where="evaluate",
        seen="neither loss nor from_logits",
        needed="it must be known whether the model gives logits or probabilities; it is never guessed from values",
        consequence=f"Calibration, loss and threshold of this {task} would depend on a guess.",
        repair="loss='cross_entropy' (the loss it was trained with), or from_logits=True.",
    )


def is_shuffled(data: Any) -> bool:
    """A loader that draws the order of its rows."""
    return isinstance(getattr(data, "sampler", None), torch_data.RandomSampler)


def slices_of(asked: Any, data: Any) -> Mapping[str, Any]:
    """Slices by name: columns of a table may be named alone."""
    if asked is None:
        return {}
    if isinstance(asked, Mapping):
        return asked
    listed: Sequence[Any] = list(asked) if isinstance(asked, (list, tuple)) else [asked]
    table = data[0] if isinstance(data, tuple) else data
    missing = [
        name
        for name in listed
        if not isinstance(name, str) or not hasattr(table, "columns") or name not in table.columns
    ]
    if missing:
        raise UsageError(
            where="slices",
            seen=f"{missing[0]!r} and the data are no table with such a column",
            needed="a column of the table, or values by name, were needed",
            repair='slices={"age": ages}, one value for each row.',
        )
    return {name: table[name] for name in listed}
