"""The one door for data: what the user names or holds is recognised by its form and made into Data."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from steepest.core.calls import parse_call
from steepest.core.errors import DataError, UnknownName, UsageError, did_you_mean, unknown_name
from steepest.core.objects import Address, find_object, importable, user_code

from .frame import is_frame, split_target
from .idx import read_folder
from .record import Data, Task
from .tables import read_table, split_address
from .torch_sets import is_torch_source, materialise

EXAMPLE = "'digits', "
FORMS = (
    EXAMPLE + "'table.csv:target', a folder of IDX files, 'file.py:attribute', (X, y), a torch Dataset or DataLoader"
)


@dataclass(frozen=True)
class Request:
    """What was said beside the source; catalogue: where names of data sets are looked up."""

    task: Task | None
    target: str | None
    limit: int | None
    catalogue: Any


def read(spec: Any, asked: Request, name: str | None = None) -> Data:
    """See steepest.data.load; name: what the data are called in messages and reports."""
    if asked.limit is not None and asked.limit < 1:
        raise UsageError(
            where="load", seen=f"limit is {asked.limit}", needed="a number of samples >= 1 was needed",
            repair="Leave limit out to take all.",
        )
    if isinstance(spec, (str, os.PathLike)):
        return _from_text(os.fspath(spec), asked)
    if is_frame(spec) or hasattr(spec, "to_pandas"):
        frame = spec if is_frame(spec) else spec.to_pandas()
        return _from_frame(frame, asked.target, asked, name or "table")
    if asked.target is not None:
        raise UsageError(
            where="load", seen=f"target={asked.target!r} with a {type(spec).__name__}",
            needed="a table was needed, of which target is a column",
            repair="Leave target out.",
        )
    if isinstance(spec, Data):
        if asked.task in (None, spec.task):
            return spec
        return Data.of(spec.x, spec.y, task=asked.task, name=spec.name, feature_names=spec.feature_names)
    if isinstance(spec, tuple) and len(spec) == 2:
        return Data.of(*spec, task=asked.task, name=name or "data")
    if is_torch_source(spec):
        return _from_torch(spec, asked, name)
    if hasattr(spec, "data") and hasattr(spec, "target"):  # what scikit-learn's load_... functions return
        columns = getattr(spec, "feature_names", None)
        return Data.of(spec.data, spec.target, task=asked.task, name=name or "data", feature_names=columns)
    raise _no_data(spec, name)


def _no_data(spec: Any, name: str | None) -> DataError:
    alone = isinstance(spec, (np.ndarray, Tensor, list))
    seen = f"a {type(spec).__name__} alone" if alone else f"an object of class {type(spec).__name__}"
    if isinstance(spec, tuple):
        seen = f"a tuple of {len(spec)}"
    return DataError(
        where=name or "data", seen=seen, needed="features and target were needed",
        repair="Pass both: (X, y)." if alone or isinstance(spec, tuple) else f"Data come as {FORMS}.",
    )


def _from_frame(frame: Any, target: str | None, asked: Request, name: str) -> Data:
    features, column = split_target(frame, target, name)
    return Data.of(features, column, task=asked.task, name=name)


def _from_torch(source: Any, asked: Request, name: str | None) -> Data:
    dataset = getattr(source, "dataset", source)
    name = name or type(dataset).__name__
    x, y = materialise(source, name, asked.limit)
    names = getattr(dataset, "classes", None)
    is_list = isinstance(names, (list, tuple)) and all(isinstance(n, str) for n in names)
    return Data.of(
        x, y, task=asked.task, name=name, class_names=names if is_list and asked.task != "regression" else None,
    )


# -- text --------------------------------------------------------------------------------------------------------------


def _from_text(text: str, asked: Request) -> Data:
    table = split_address(text)
    if table is not None:
        path, target = Path(table[0]), table[1] or asked.target
        if asked.target not in (None, target):
            raise UsageError(
                where=path.name, seen=f"two targets, {target!r} and {asked.target!r}", needed="one was needed",
                repair=f"Write {path}:{target} alone.",
            )
        return _from_frame(read_table(path, target), target, asked, path.name)
    head, options = parse_call(text, "data", DataError)
    if head in asked.catalogue:
        return _from_name(head, options, asked)
    if text and Path(text).is_dir():
        images, labels = read_folder(Path(text))
        return Data.of(images, labels, task=asked.task, name=Path(text).resolve().name)
    address = Address.read(head)
    if address is not None:
        return _from_object(address, options, text, asked)
    raise _unknown(text, head, asked)


def _from_name(name: str, options: dict[str, Any], asked: Request) -> Data:
    item = asked.catalogue[name]
    item.check_hyper(options)
    if asked.target is not None:
        raise UsageError(
            where=name, seen=f"target={asked.target!r}", needed="the set has its own target",
            repair="Leave target out.",
        )
    return read(item(**options), asked)


def _from_object(address: Address, options: dict[str, Any], text: str, asked: Request) -> Data:
    found = find_object(address, DataError)
    is_made = isinstance(found, type) or callable(found) and not is_torch_source(found)
    if options and not is_made:
        raise DataError(
            where=text, seen=f"{address.attribute} is a {type(found).__name__}, which takes no options",
            needed="a function was needed", repair=f"Write {address.place}:{address.attribute}",
        )
    if is_made:
        with importable(address), user_code(text, "it must return the data without an error", DataError):
            found = found(**options)
    if isinstance(found, str):
        raise DataError(
            where=text, seen=f"it is the text {found!r:.40}", needed="data were needed",
            repair=f"Name that directly: --data {found}",
        )
    with importable(address):
        return read(found, asked, address.attribute)


def _unknown(text: str, head: str, asked: Request) -> Exception:
    if re.fullmatch(r"[^\W\d]\w*", head):
        error = unknown_name("data", head, "data set", asked.catalogue.names())
        repair = f"{error.repair} Your own: {FORMS.removeprefix(EXAMPLE)}."
        return UnknownName(where=error.where, seen=error.seen, needed=error.needed, repair=repair)
    path = Path(text)
    if path.is_file():
        return DataError(
            where=path.name, seen=f"its ending {path.suffix!r} is not known",
            needed="a .csv, .tsv or .parquet table was needed",
            repair="Rename it, or read it yourself and pass (X, y).",
        )
    folder, _, last = text.replace("\\", "/").rpartition("/")
    near = [p.name for p in Path(folder or ".").iterdir()] if Path(folder or ".").is_dir() else []
    hint = did_you_mean(last, near) if last else ""
    return DataError(
        where="data", seen=f"{text!r} is no file, folder or data set", needed=f"{FORMS} was needed",
        repair=hint if hint.startswith("Did") else f"Data sets: {', '.join(asked.catalogue.names())}.",
    )
