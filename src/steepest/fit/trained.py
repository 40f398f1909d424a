"""A trained model in one file: its weights, and all that is needed to ask it about rows in their own units."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from steepest.core.errors import DataError, ModelError, StoreError
from steepest.core.sealed import sealed
from steepest.data.record import Data
from steepest.data.standardise import Scale
from steepest.models import Facts, factory_of
from steepest.results.durable import atomic_write

FILE = "model.safetensors"
FORMAT = 1
KEY = "steepest"


class Ready(nn.Module):
    """A module between its scales: takes rows, and gives numbers, in their own units. grows: it gives logarithms."""

    x_mean: Tensor | None
    x_spread: Tensor | None
    y_mean: Tensor | None
    y_spread: Tensor | None

    def __init__(self, module: nn.Module, x: Scale | None, y: Scale | None, grows: bool = False) -> None:
        super().__init__()
        self.module, self.grows = module, grows
        for name, scale in (("x", x), ("y", y)):
            self.register_buffer(f"{name}_mean", None if scale is None else scale.mean)
            self.register_buffer(f"{name}_spread", None if scale is None else scale.spread)

    def forward(self, x: Tensor) -> Tensor:
        if self.x_mean is not None and self.x_spread is not None:
            x = Scale(self.x_mean, self.x_spread).apply(x)
        output: Tensor = self.module(x)
        if self.y_mean is not None and self.y_spread is not None:
            output = Scale(self.y_mean, self.y_spread).undo(output)
        return output.exp() if self.grows else output


@dataclass(frozen=True)
class Trained:
    """model: ready for rows in their own units, in evaluation mode. loss: in words; None for numbers, which are no
    longer on the scale that it was trained on. about: what else the file tells (data, validation, command)."""

    model: nn.Module
    task: str
    loss: str | None
    shape: tuple[int, ...]
    class_names: tuple[str, ...] | None
    feature_names: tuple[str, ...] | None
    about: dict[str, Any]

    def read(self, data: Data) -> Data:
        """Other data with the classes numbered as in training."""
        if data.shape != self.shape:
            raise DataError(
                where=data.name,
                seen=f"a row has shape {data.shape}",
                needed=f"shape {self.shape} was needed, as in training",
                repair="Are these the same columns?",
            )
        if self.task != data.task:
            raise DataError(
                where=data.name,
                seen=f"the targets look like {data.task}",
                needed=f"targets of a {self.task} were needed, as in training",
                repair=f"task={self.task!r}, if they only look so.",
            )
        if self.task != "classification" or self.class_names is None or data.class_names == self.class_names:
            return data
        return self._numbered(data, data.class_names or tuple(str(i) for i in range(data.n_classes or 0)))

    def _numbered(self, data: Data, names: tuple[str, ...]) -> Data:
        known = {name: i for i, name in enumerate(self.class_names or ())}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise DataError(
                where=data.name,
                seen=f"a class {unknown[0]!r}",
                needed=f"the classes of training were needed: {', '.join(known)}",
                repair="Leave those rows out, or train on them too.",
            )
        y = torch.tensor([known[name] for name in names])[data.y]
        return replace(data, y=y, n_classes=len(known), class_names=self.class_names)


def keep(
    folder: Path, module: nn.Module, spec: str, data: Data, x: Scale | None, y: Scale | None, about: Mapping[str, Any]
) -> Path:
    """Write the file. spec: the model in words; about: at least `loss` and `grows`."""
    from safetensors.torch import save

    # a copy each: tied weights share memory, which a file cannot
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in module.state_dict().items()}
    for name, scale in (("x", x), ("y", y)):
        if scale is not None:
            tensors |= {
                f"{name}.mean": scale.mean.contiguous().clone(),
                f"{name}.spread": scale.spread.contiguous().clone(),
            }
    names = [name for name in tensors if name in module.state_dict()]
    facts = {
        "format": FORMAT,
        "sha256": hashlib.sha256(save(tensors)).hexdigest(),
        "model": spec,
        "weights": names,
        "facts": {**vars(Facts.of(data)), "shape": list(data.shape)},
        "task": data.task,
        "class_names": data.class_names,
        "feature_names": data.feature_names,
        "data": data.name,
        "fingerprint": data.fingerprint,
        **about,
    }
    path = folder / FILE
    atomic_write(path, save(tensors, metadata={KEY: json.dumps(facts)}))
    return path


def load_trained(place: str | Path, model: Any = None) -> Trained:
    """What `keep` wrote, from its folder or file. model: the class or function where it is not known by a name.

    Nothing is unpickled. Raises StoreError for a file that is missing, damaged or not ours.
    """
    path = Path(place) / FILE if Path(place).is_dir() else Path(place)
    tensors, facts = _read(path)
    shape = tuple(facts["facts"]["shape"])
    with sealed("init", 0):
        module = factory_of(model if model is not None else facts["model"])(Facts(**{**facts["facts"], "shape": shape}))
    try:
        module.load_state_dict({name: tensors[name] for name in facts["weights"]})
    except RuntimeError as error:
        raise ModelError(
            where=str(path),
            seen=f"its weights do not fit the model ({' '.join(str(error).split())[:200]})",
            needed="the model that was trained was needed",
            repair="Has its code changed since? Pass the class as it was.",
        ) from error
    x, y = (Scale(tensors[f"{n}.mean"], tensors[f"{n}.spread"]) if f"{n}.mean" in tensors else None for n in ("x", "y"))
    classes, features = (None if facts[n] is None else tuple(facts[n]) for n in ("class_names", "feature_names"))
    return Trained(
        model=Ready(module, x, y, bool(facts["grows"])).eval(),
        task=facts["task"],
        loss=facts["loss"] if facts["task"] == "classification" else None,
        shape=shape,
        class_names=classes,
        feature_names=features,
        about={name: facts.get(name) for name in ("model", "data", "fingerprint", "validation", "seed", "command")},
    )


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    from safetensors import SafetensorError
    from safetensors.torch import load, save

    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unusable(path, f"it cannot be read ({error.strerror})") from error
    try:
        tensors = load(content)
        size = int.from_bytes(content[:8], "little")
        facts: dict[str, Any] = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][KEY])
    except (SafetensorError, KeyError, ValueError) as error:
        raise _unusable(path, f"it is no file of ours ({error})") from error
    if facts["format"] != FORMAT:
        raise _unusable(path, f"its format is {facts['format']}, and {FORMAT} is known")
    if hashlib.sha256(save(tensors)).hexdigest() != facts["sha256"]:
        raise _unusable(path, "its weights are not those that were written")
    return tensors, facts


def _unusable(path: Path, seen: str) -> StoreError:
    return StoreError(
        where=str(path),
        seen=seen,
        needed=f"a {FILE} that steepest fit wrote was needed",
        repair="Is it the folder of a finished run (steepest fit ... --out DIR)?",
    )
