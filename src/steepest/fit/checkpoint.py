"""The state of a run on disk: a tensor file and a JSON file that seals it, two generations, none ever half written.

Nothing is pickled: what a state holds becomes plain JSON with the tensors taken out, and back.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from steepest.core.errors import StoreError
from steepest.results.durable import atomic_write

FORMAT = 1
KEPT = 2
"""Generations: should the newest be damaged, the one before it is taken."""


def save(folder: Path, number: int, state: Any) -> None:
    """Write generation `number`; older ones than the last two are removed afterwards."""
    from safetensors.torch import save as tensor_bytes

    tensors: dict[str, Tensor] = {}
    plain = _packed(state, tensors, "")
    content = tensor_bytes(tensors)
    body = {"format": FORMAT, "sha256": hashlib.sha256(content).hexdigest(), "state": plain}
    text = json.dumps(body, separators=(",", ":"))
    atomic_write(folder / f"{number:08}.safetensors", content)
    # Last, and with a seal over itself and the tensors: a generation without it never happened.
    atomic_write(folder / f"{number:08}.json", f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
    for old in _numbers(folder)[:-KEPT]:
        for path in (folder / f"{old:08}.json", folder / f"{old:08}.safetensors"):
            with contextlib.suppress(OSError):
                path.unlink()


def newest(folder: Path) -> tuple[Any, list[str]] | None:
    """(the state of the newest whole generation, a note for each that is damaged); None where nothing was ever saved.

    Raises StoreError when there are generations and all are damaged.
    """
    notes: list[str] = []
    numbers = _numbers(folder)
    for place, number in enumerate(reversed(numbers)):
        try:
            state = _read(folder, number)
            _set_aside(folder, numbers[len(numbers) - place :])
            return state, notes
        except StoreError as error:
            notes.append(f"checkpoint {number:08} is damaged ({error.seen}): the one before it was taken")
    if numbers:
        raise StoreError(
            where=str(folder),
            seen=f"all {len(numbers)} checkpoints are damaged ({notes[0]})",
            needed="one whole checkpoint was needed",
            repair="Restore the folder from a copy, or delete it to begin anew.",
        )
    return None


def _set_aside(folder: Path, damaged: list[int]) -> None:
    """Rename damaged generations, so that none of them is kept in the place of a whole one."""
    for number in damaged:
        path = folder / f"{number:08}.json"
        with contextlib.suppress(OSError):
            path.rename(path.with_suffix(".json.damaged"))


def _numbers(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.glob("*.json") if path.stem.isdigit())


def _read(folder: Path, number: int) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load

    path = folder / f"{number:08}.json"
    try:
        seal, _, text = path.read_text("utf-8").partition("\n")
        content = path.with_suffix(".safetensors").read_bytes()
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(path, f"it cannot be read: {error}") from error
    if hashlib.sha256(text.encode()).hexdigest() != seal:
        raise _damaged(path, "its text is not what was written")
    body = json.loads(text)
    if body["format"] != FORMAT:
        raise StoreError(
            where=str(path),
            seen=f"its format is {body['format']}",
            needed=f"format {FORMAT} was needed",
            repair="It was written by another version of Steepest: use that one.",
        )
    if hashlib.sha256(content).hexdigest() != body["sha256"]:
        raise _damaged(path, "the tensors are not those that were written")
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise _damaged(path, str(error)) from error
    return _unpacked(body["state"], tensors)


def _damaged(path: Path, seen: str) -> StoreError:
    return StoreError(
        where=str(path), seen=seen, needed="a whole checkpoint was needed", repair="The one before it is taken."
    )


# -- any state as plain JSON and a flat dictionary of tensors ----------------------------------------------------------


def _packed(value: Any, tensors: dict[str, Tensor], place: str) -> Any:
    if isinstance(value, Tensor):
        tensors[place] = value.detach().cpu().contiguous().clone()  # a copy: tied weights share memory, files cannot
        return {"$tensor": place, "device": str(value.device)}
    if isinstance(value, dict):
        pairs = [
            [_packed(k, tensors, f"{place}#{i}"), _packed(v, tensors, f"{place}.{k}")]
            for i, (k, v) in enumerate(value.items())
        ]
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return dict(pairs)
        return {"$dict": pairs}
    if isinstance(value, (list, tuple)):
        items = [_packed(item, tensors, f"{place}.{i}") for i, item in enumerate(value)]
        return {"$tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, float) and not _is_json_number(value):
        return {"$float": repr(value)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise StoreError(
        where="checkpoint",
        seen=f"the state holds a {type(value).__name__} at {place.lstrip('.')}",
        needed="tensors and plain values were needed",
        repair="An optimizer's state_dict should hold nothing else.",
    )


def _is_json_number(value: float) -> bool:
    return value == value and value not in (float("inf"), float("-inf"))


def _unpacked(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_unpacked(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "$tensor" in value:
        tensor = tensors[value["$tensor"]]
        return tensor if value["device"] == "cpu" or not _has(value["device"]) else tensor.to(value["device"])
    if "$dict" in value:
        return {_unpacked(k, tensors): _unpacked(v, tensors) for k, v in value["$dict"]}
    if "$tuple" in value:
        return tuple(_unpacked(item, tensors) for item in value["$tuple"])
    if "$float" in value:
        return float(value["$float"])
    return {key: _unpacked(item, tensors) for key, item in value.items()}


def _has(device: str) -> bool:
    """The device on which a tensor lay is on this machine too."""
    kind = torch.device(device).type
    return kind != "cuda" or torch.cuda.is_available()
