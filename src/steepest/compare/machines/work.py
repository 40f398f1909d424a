"""What crosses to a worker: the trainer once, pickled by and for the same user; then shards and outcomes as JSON.

Nothing that comes back is unpickled.
"""

from __future__ import annotations

import copyreg
import io
import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle
import torch

from steepest.core import errors
from steepest.core.errors import SteepestError, UsageError
from steepest.core.item import Item
from steepest.core.objects import OURS
from steepest.core.progress import Silent
from steepest.results.payload import from_text, to_text
from steepest.results.records import Outcome, RungRecord

from ..race import TrialKey
from ..trainer import Shard, Trained, Trainer
from .patience import MachineError

LIBRARIES = {Path(p).resolve() for p in (sys.prefix, sys.base_prefix, OURS)}
INSTALLED = {"site-packages", "dist-packages"}
"""Folders of installed packages, which lie elsewhere too: those of the user alone, those of another environment."""


class RemoteTraceback(Exception):
    """The cause of a MachineError: the traceback as the worker saw it."""


# -- the trainer, out and in -------------------------------------------------------------------------------------------


def pack(trainer: Trainer, *, elsewhere: bool) -> bytes:
    """The trainer with all it needs. elsewhere: on another machine, where the user's own modules may be missing."""
    state = {
        "steepest": _version(),
        "python": sys.version_info[:2],
        "torch": torch.__version__,
        "default_dtype": torch.get_default_dtype(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "matmul": torch.get_float32_matmul_precision(),
    }
    try:
        with _by_value(_own_modules(elsewhere)):
            sent = replace(trainer, task=trainer.task.on("cpu"), progress=Silent())
            return cloudpickle.dumps(state) + _pickled(sent)
    except Exception as error:  # pickling runs code of the user's objects, which may raise anything
        raise UsageError(
            where="machines",
            seen=f"the study cannot be sent to another process ({type(error).__name__}: {error})",
            needed="a model, data and losses that can be pickled were needed",
            repair='Let them hold no open file, lock or generator; or train here: machines="local".',
        ) from error


class Work:
    """The worker's side: one trainer, fed with shards."""

    def __init__(self, packed: bytes, device: str = "cpu") -> None:
        """device: where it trains."""
        stream = io.BytesIO(packed)
        state = cloudpickle.load(stream)
        _refuse_other_versions(state)
        torch.set_num_threads(1)
        torch.set_default_dtype(state["default_dtype"])
        torch.use_deterministic_algorithms(state["deterministic"])
        torch.set_float32_matmul_precision(state["matmul"])
        trainer: Trainer = cloudpickle.load(stream)
        self._trainer = replace(trainer, task=trainer.task.on(device))

    def train(self, shard: str) -> tuple[str, dict[str, bytes]]:
        """(the outcomes as text, weights): see answer_of."""
        trained = self._trainer.train(read_shard(shard))
        return json.dumps([to_text(o) for o in trained.outcomes]), trained.weights


def _refuse_other_versions(state: dict[str, Any]) -> None:
    here = {"steepest": _version(), "python": sys.version_info[:2], "torch": torch.__version__}
    for name, own in here.items():
        if state[name] != own:
            raise UsageError(
                where="machines",
                seen=f"a worker has {name} {_shown(own)}, and the study began with {_shown(state[name])}",
                needed="the same versions on all machines were needed",
                consequence="The same shard would give other numbers.",
                repair="Install the same versions there.",
            )


def _shown(version: Any) -> str:
    return ".".join(map(str, version)) if isinstance(version, tuple) else str(version)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("steepest")
    except PackageNotFoundError:
        return "not installed"


class _Pickler(cloudpickle.Pickler):
    """An item of the user's own script goes along whole: its module cannot be imported where the worker is."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Item) and _is_unknown_elsewhere(obj.__module__):
            return copyreg.__newobj__, (type(obj),), dict(vars(obj))  # type: ignore[attr-defined]
        return super().reducer_override(obj)


def _is_unknown_elsewhere(name: str) -> bool:
    module = sys.modules.get(name)
    return name == "__main__" or module is None or module in cloudpickle_registered()


def cloudpickle_registered() -> set[ModuleType]:
    return {sys.modules[n] for n in cloudpickle.list_registry_pickle_by_value() if n in sys.modules}


def _pickled(value: Any) -> bytes:
    buffer = io.BytesIO()
    _Pickler(buffer).dump(value)
    return buffer.getvalue()


def _own_modules(elsewhere: bool) -> list[ModuleType]:
    """Modules that a worker cannot import: files named as "file.py:Net"; on another machine all of the user's own."""
    found = []
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name == "__main__" or not file or not isinstance(module, ModuleType):
            continue
        if name.startswith("_user_") or (elsewhere and file.endswith(".py") and not _is_installed(Path(file))):
            found.append(module)
    return list({module.__name__: module for module in found}.values())


def _is_installed(file: Path) -> bool:
    folders = file.resolve().parents
    return bool(set(folders) & LIBRARIES) or any(folder.name in INSTALLED for folder in folders)


@contextmanager
def _by_value(modules: list[ModuleType]) -> Iterator[None]:
    before = cloudpickle.list_registry_pickle_by_value()
    added = [m for m in modules if m.__name__ not in before]
    for module in added:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in added:
            cloudpickle.unregister_pickle_by_value(module)


# -- shards and answers ------------------------------------------------------------------------------------------------


def write_shard(shard: Shard) -> str:
    return json.dumps([shard.rung.plain(), [[k.arm, k.learning_rate, k.seed] for k in shard.trials]])


def read_shard(text: str) -> Shard:
    rung, trials = json.loads(text)
    return Shard(RungRecord.of(rung), tuple(TrialKey(*key) for key in trials))


def answer_of(text: str, weights: dict[str, bytes]) -> Trained:
    return Trained([Outcome.of(from_text(o)) for o in json.loads(text)], weights)


def write_error(error: BaseException) -> str:
    """An exception of a worker in plain words."""
    told = {"class": type(error).__name__, "text": " ".join(str(error).split()), "traceback": traceback.format_exc()}
    if isinstance(error, SteepestError):
        told["fields"] = {n: getattr(error, n) for n in ("where", "seen", "needed", "repair", "consequence")}  # type: ignore[assignment]
    return json.dumps(told)


def read_error(text: str, where: str) -> SteepestError:
    """The same error, if it is one of ours; else a MachineError that shows the worker's traceback as its cause."""
    told = json.loads(text)
    kind = getattr(errors, told["class"], None)
    if "fields" in told:
        known = kind if isinstance(kind, type) and issubclass(kind, SteepestError) else MachineError
        return known(**told["fields"])
    error = MachineError(
        where=where,
        seen=f"training raised {told['class']}: {told['text']}",
        needed="a shard must train without an error",
        repair='The traceback of the worker stands above; machines="local" trains here, where a debugger reaches it.',
    )
    error.__cause__ = RemoteTraceback("\n" + told["traceback"])
    return error
