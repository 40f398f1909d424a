"""A trained model in one file: its weights, and all that is needed to ask it about rows in their own units."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from steepest.core.errors import DataError, ModelError, StoreError
from steepest.core.sealed import sealed
from steepest.data.record import Data
from steepest.data.standardise import Scale
from steepest.models import Facts, factory_of

FILE = "model.safetensors"
FORMAT = 2
KEY = "steepest"
"""Of what the file says about itself: the digest of facts and weights together, a line end, and the facts."""


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
    """model: ready for rows in their own units, in evaluation mode. loss: in words; None for a loss without a name, and
    for numbers that are no longer on the scale that it was trained on. gives: what the outputs are ("logits", ...).
    task, shape: None where nobody said what the rows were. about: what else the file tells (data, validation)."""

    model: nn.Module
    task: str | None
    loss: str | None
    shape: tuple[int, ...] | None
    class_names: tuple[str, ...] | None
    feature_names: tuple[str, ...] | None
    about: dict[str, Any]
    n_classes: int | None = None
    gives: str = ""

    def read(self, data: Data) -> Data:
        """Other data with the classes numbered as in training."""
        if self.shape is not None and data.shape != self.shape:
            raise DataError(
                where=data.name,
                seen=f"a row has shape {data.shape}",
                needed=f"shape {self.shape} was needed, as in training",
                repair="Are these the same columns?",
            )
        if self.task is not None and self.task != data.task:
            raise DataError(
                where=data.name,
                seen=f"the targets look like {data.task}",
                needed=f"targets of a {self.task} were needed, as in training",
                repair=f"task={self.task!r}, if they only look so.",
            )
        return data if self.task is None else data.numbered_as(self.class_names, self.n_classes or 0)

    @property
    def from_logits(self) -> bool | None:
        """What the outputs are, for metrics that must be told; None for numbers."""
        return {"logits": True, "log_probs": True, "probs": False}.get(self.gives)


def load_trained(place: str | Path, model: Any = None) -> Trained:
    """The model that `fit(..., out=place)` or the command fit left there; place may be the file itself.

    model: the class, function or module, where it is not known by a name. Nothing is unpickled. Raises StoreError for a
    file that is missing, damaged or not ours.
    """
    path = Path(place) / FILE if Path(place).is_dir() else Path(place)
    tensors, facts = _read(path)
    module = _module(path, facts, model)
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
    shape, classes, features = (
        None if facts[n] is None else tuple(facts[n]) for n in ("shape", "class_names", "feature_names")
    )
    is_plain = x is None and y is None and not facts["grows"]
    return Trained(
        model=(module if is_plain else Ready(module, x, y, facts["grows"])).eval(),
        task=facts["task"],
        loss=None if y is not None or facts["grows"] else facts["loss"],
        shape=shape,
        class_names=classes,
        feature_names=features,
        about={name: facts[name] for name in ("model", "data", "fingerprint", "validation", "seed")},
        n_classes=facts["n_classes"],
        gives=facts["gives"],
    )


def _module(path: Path, facts: dict[str, Any], model: Any) -> nn.Module:
    if isinstance(model, nn.Module):
        return copy.deepcopy(model)
    if model is None and facts["model"] is None:
        raise ModelError(
            where=str(path),
            seen="a model that was made in Python, of which only the weights are kept",
            needed="its code was needed",
            repair="Say where it is: --model file.py:Net, or load_trained(folder, model=Net) in Python.",
        )
    shape = tuple(facts["shape"] or ())
    with sealed("init", 0):
        return factory_of(model if model is not None else facts["model"])(
            Facts(facts["n_features"] or 0, facts["n_outputs"] or 0, shape, facts["n_classes"])
        )


def sealed_with(said: str, weights: bytes) -> str:
    """The facts with the digest of facts and weights before them."""
    return f"{hashlib.sha256(said.encode() + weights).hexdigest()}\n{said}"


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
        seal, _, said = json.loads(content[8 : 8 + size])["__metadata__"][KEY].partition("\n")
    except (SafetensorError, KeyError, ValueError, RecursionError) as error:
        raise _unusable(path, f"it is no file of ours ({error})") from error
    if sealed_with(said, save(tensors)) != f"{seal}\n{said}":
        raise _unusable(path, "its weights or facts are not those that were written")
    facts: dict[str, Any] = json.loads(said)
    if facts["format"] != FORMAT:
        raise _unusable(path, f"its format is {facts['format']}, and {FORMAT} is known")
    return tensors, facts


def _unusable(path: Path, seen: str) -> StoreError:
    return StoreError(
        where=str(path),
        seen=seen,
        needed=f"a {FILE} that steepest fit wrote was needed",
        repair="Is it the folder of a finished run (steepest fit ... --out DIR, or st.fit(..., out=DIR))?",
    )
