"""Data: real sets by name, and one door, `load`, for arrays, tables, files, Datasets and DataLoaders."""

from __future__ import annotations

import sys as _sys
from typing import Any, Literal

from steepest.core.discover import Catalogue

from .download import download
from .record import Data
from .sources import Request as _Request
from .sources import read as _read


def load(
    spec: Any, *, task: Literal["classification", "regression"] | None = None, target: str | None = None,
    limit: int | None = None,
) -> Data:
    """Data from what the user has.

    spec: the name of a data set ("digits", "two_moons(noise=0.3)"); "table.csv:target" or "table.parquet:target"; a
    folder of IDX files; "file.py:attribute" or "module:attribute" (an object, or a function that returns one); (X, y)
    of arrays, tensors, tables or lists; a DataFrame with target="column"; a torch Dataset or DataLoader, read once in
    order; Data.
    task: overrides what the target looks like. limit: how many samples to take of a source without a length.
    """
    return _read(spec, _Request(task, target, limit, _sys.modules[__name__]))


Catalogue.of(__name__, kind="dataset", folders=("bundled",))
