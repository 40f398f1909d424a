"""Modules of a class of their own, which pickles that take modules (cloudpickle: Ray, joblib, Dask) carry as names."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any


class ByName(ModuleType):
    """Pickled as its name: a function of the user that mentions `steepest.losses` travels to another process."""

    def __reduce__(self) -> Any:
        return import_module, (self.__name__,)
