"""What a run leaves in its folder: the weights with all that is needed to use them, and the history as a table."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from steepest.core.errors import SteepestError, StoreError
from steepest.core.sealed import sealed
from steepest.models import Facts, factory_of
from steepest.results.durable import atomic_write

from .batches import Rows
from .history import History
from .links import what_it_takes
from .loop import Setup
from .objective import as_loss
from .passing import called
from .reading import Asked
from .shards import reshard, sharded_modules, whole
from .trained import FILE, FORMAT, KEY, sealed_with

HISTORY = "history.csv"


@dataclass
class Left:
    """Of the trained model: its state, whole, and its output of two rows."""

    state: dict[str, Tensor]
    output: Any


def leave(
    folder: Path, spec: Any, setup: Setup, read: Asked, history: History, asked: Mapping[str, Any], *, is_first: bool
) -> None:
    """The first process writes both files; where they cannot be written the history says so, for nothing else is lost.

    A model in shards is gathered by all.
    """
    if isinstance(setup.model, nn.parallel.DistributedDataParallel):
        # asked alone, one process of several would wait for the others
        setup, spec = replace(setup, model=setup.model.module), setup.model.module
    if is_first or sharded_modules(setup.model):
        left = Left(whole(setup.model.state_dict(), is_first), _answers(setup.model, setup))
        reshard(setup.model)
    if not is_first:
        return
    try:
        atomic_write(folder / HISTORY, history.to_frame().to_csv(index=False))
        atomic_write(folder / FILE, _content(spec, left, setup, read, asked))
    except StoreError as error:
        history.notes.append(f"No {FILE}: {error.seen}. {error.repair}")


def _content(spec: Any, left: Left, setup: Setup, read: Asked, asked: Mapping[str, Any]) -> bytes:
    from safetensors.torch import save

    state = left.state
    odd = [name for name, value in state.items() if not isinstance(value, Tensor) or value.layout != torch.strided]
    if odd:
        raise StoreError(
            where=FILE,
            seen=f"the model's state holds a {type(state[odd[0]]).__name__} at {odd[0]}",
            needed="dense tensors were needed",
            repair="torch.save(model.state_dict(), ...) keeps it.",
        )
    # a copy each: tied weights share memory, which a file cannot
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    scales = (("x", read.scales.x), ("y", read.scales.y)) if read.scales is not None else ()
    for name, scale in scales:
        if scale is not None:
            tensors |= {
                f"{name}.mean": scale.mean.contiguous().clone(),
                f"{name}.spread": scale.spread.contiguous().clone(),
            }
    said = json.dumps({**_facts(spec, left, setup, read, asked), "weights": list(state)})
    return bytes(save(tensors, metadata={KEY: sealed_with(said, save(tensors))}))


def _facts(spec: Any, left: Left, setup: Setup, read: Asked, asked: Mapping[str, Any]) -> dict[str, Any]:
    sizes, data, validation = _sizes(left, setup, read), read.data, asked["validation"]
    kind, gives = what_it_takes(setup.objective.loss)
    return {
        "format": FORMAT,
        "model": _words_of(spec, left, setup, sizes),
        "n_features": None if sizes is None else sizes.n_features,
        "n_outputs": None if sizes is None else sizes.n_outputs,
        "n_classes": None if sizes is None else sizes.n_classes,
        "shape": None if sizes is None else list(sizes.shape),
        "task": read.task,
        "class_names": None if data is None else data.class_names,
        "feature_names": None if data is None else data.feature_names,
        "data": None if data is None else data.name,
        "fingerprint": None if data is None else data.fingerprint,
        "loss": _loss_in_words(setup.objective.loss),
        "gives": gives,
        "grows": read.scales is not None and gives == "log_means",
        "validation": validation if isinstance(validation, float) else None,
        "seed": asked["seed"],
    }


def _sizes(left: Left, setup: Setup, read: Asked) -> Facts | None:
    """Of a row and of the output; None where the model takes several inputs, or batches that were not looked at."""
    if read.data is not None:
        return Facts.of(read.data)
    if not isinstance(setup.train, Rows) or not isinstance(setup.train.inputs, Tensor):
        return None
    shape = tuple(setup.train.inputs.shape[1:])
    output = left.output
    if not isinstance(output, Tensor) or output.dim() < 2:
        return None
    is_classes = what_it_takes(setup.objective.loss)[0] == "classes"
    n = output.shape[1]
    return Facts(torch.Size(shape).numel(), n, shape, n if is_classes else None)


def _words_of(spec: Any, left: Left, setup: Setup, sizes: Facts | None) -> str | None:
    """A name by which the model is built again, tried here; None where only its code would tell."""
    if isinstance(spec, str):
        return spec
    made = type(spec) if isinstance(spec, nn.Module) else spec
    if isinstance(spec, nn.Module) and spec in sharded_modules(spec):
        made = made.__bases__[-1]  # fully_shard puts a class of its own before the model's
    module, name = getattr(made, "__module__", ""), getattr(made, "__qualname__", "")
    if module == "__main__" or not name.isidentifier() or getattr(sys.modules.get(module), name, None) is not made:
        return None
    try:
        with sealed("init", 0):
            again = factory_of(made)(sizes or Facts(0, 0, ()))
        again.load_state_dict(left.state)
        first, second = left.output, _answers(again.to(setup.device), setup)
    except (SteepestError, RuntimeError):
        return None
    is_same = isinstance(first, Tensor) and isinstance(second, Tensor) and torch.equal(first, second)
    return f"{module}:{name}" if is_same else None


def _answers(model: nn.Module, setup: Setup) -> Any:
    """The output of two rows in evaluation mode; None for batches."""
    if not isinstance(setup.train, Rows):
        return None
    modes = [(module, module.training) for module in model.modules()]
    try:
        with sealed("look", setup.seed), torch.no_grad():
            return called(model.eval(), setup.train.first(2)[0])
    finally:
        for module, is_training in modes:
            module.training = is_training


def _loss_in_words(loss: Any) -> str | None:
    """Such that as_loss reads it."""
    if not hasattr(loss, "loss"):
        return None
    words = f"{loss.loss.name}({loss.extra_repr()})"
    try:
        return words if repr(as_loss(words)) == repr(loss) else None
    except (SteepestError, TypeError):
        return None
