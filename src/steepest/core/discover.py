"""Items are found, not registered: a catalogue walks its folder, and packages of others join by the entry point "steepest.items".

A package becomes a catalogue by one line in its `__init__`: `Catalogue.of(__name__, kind="loss")`. Then `losses.huber`,
`losses["huber"]`, `"huber" in losses`, `for item in losses`, and `losses.Huber` (the class form, where items have one).
"""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
import sys
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from .by_name import ByName
from .errors import unknown_name
from .item import Item

ENTRY_POINTS = "steepest.items"
ClassOf = Callable[[Any], type]


class Catalogue(ByName):
    """A package whose items are its attributes. Files are imported when they are first needed."""

    _kind: str
    _folders: tuple[str, ...]
    _class_of: ClassOf | None

    @staticmethod
    def of(package: str, kind: str, folders: tuple[str, ...] = ("",), class_of: ClassOf | None = None) -> None:
        """Turn the package into a catalogue of one kind; folders are its subpackages that hold items ("" is itself).

        class_of: makes the class form of an item, where the kind itself has none (`module_class`).
        """
        module = sys.modules[package]
        module.__dict__.update(_kind=kind, _folders=folders, _class_of=class_of, _all=None)
        module.__class__ = Catalogue

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._items())

    def __getitem__(self, name: str) -> Any:
        items = self._items()
        if name not in items:
            raise unknown_name(self.__name__.rpartition(".")[2], name, self._kind, items)
        return items[name]

    def __contains__(self, name: object) -> bool:
        return name in self._items()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items()[name] for name in self.names())

    def __len__(self) -> int:
        return len(self._items())

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._items(), *self._class_names()})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        for folder in self._folders:
            found = self._quick(folder, name)
            if found is not None:
                return found
        items = self._items()
        if name in items:
            return items[name]
        for item in items.values():
            if item.class_name == name and self._has_class(item):
                return self._class_of(item) if self._class_of else getattr(item, "module_class")
        known = self._class_names() if name[0].isupper() else list(items)
        error = unknown_name(self.__name__.rpartition(".")[2], name, self._kind, known or items)
        raise AttributeError(str(error)) from None

    def __setattr__(self, name: str, value: Any) -> None:
        """Importing the file losses/huber.py would set `losses.huber` to the module; the item of that name is meant."""
        if isinstance(value, ModuleType) and isinstance(value.__dict__.get(name), Item):
            value = value.__dict__[name]
        super().__setattr__(name, value)

    def _has_class(self, item: Item) -> bool:
        return self._class_of is not None or hasattr(type(item), "module_class")

    def _class_names(self) -> list[str]:
        return [item.class_name for item in self._items().values() if self._has_class(item)]

    def _quick(self, folder: str, name: str) -> Item | None:
        """The item whose file bears its name, without importing the others."""
        module = f"{self.__name__}{'.' + folder if folder else ''}.{name}"
        try:
            found = getattr(importlib.import_module(module), name, None)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            return None
        return found if isinstance(found, Item) and found.kind == self._kind else None

    def _items(self) -> dict[str, Item]:
        if self.__dict__["_all"] is None:
            items: dict[str, Item] = {}
            for module in [*self._own_modules(), *_foreign_modules()]:
                for value in vars(module).values():
                    if isinstance(value, Item) and value.kind == self._kind and value.__module__ == module.__name__:
                        _warn_of_twins(items.setdefault(value.name, value), value)
            self.__dict__["_all"] = items
        return self.__dict__["_all"]

    def _own_modules(self) -> Iterator[ModuleType]:
        for folder in self._folders:
            yield from _files_of(importlib.import_module(f"{self.__name__}.{folder}") if folder else self)


def _warn_of_twins(used: Item, found: Item) -> None:
    if used is not found:
        warnings.warn(
            f"two items of kind {found.kind} are called {found.name!r}: the one of {used.__module__} is used, "
            f"the one of {found.__module__} is not",
            stacklevel=4,
        )


def _files_of(package: ModuleType) -> Iterator[ModuleType]:
    """The modules right in the package's folder."""
    for info in pkgutil.iter_modules(package.__path__):
        if not info.ispkg:
            yield importlib.import_module(f"{package.__name__}.{info.name}")


def _foreign_modules() -> Iterator[ModuleType]:
    """Modules of other packages, named by their entry points, a package's files included; a broken one says whose it is."""
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        try:
            module = importlib.import_module(point.module)
            yield from [module, *(_files_of(module) if hasattr(module, "__path__") else ())]
        except Exception as error:
            raise ImportError(
                f"the entry point {point.name!r} = {point.value!r} ({ENTRY_POINTS}) cannot be imported: {error}"
            ) from error
