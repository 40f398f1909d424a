"""`import steepest.nn.functional as F` gives torch.nn.functional itself, and so for every submodule of torch.nn."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _PassThrough(MetaPathFinder, Loader):
    """Finds `ours.x.y` as `theirs.x.y`, unless x is a file of our own.

    It is asked before Python's own finder, which would load torch's files a second time: `steepest.nn.utils` is torch's
    package and knows where `prune.py` lies.
    """

    def __init__(self, ours: str, path: Sequence[str], theirs: str) -> None:
        self.ours, self.theirs = ours, theirs
        self.files = {module.name for module in pkgutil.iter_modules(path)}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(self.ours + ".") or fullname[len(self.ours) + 1 :].split(".")[0] in self.files:
            return None
        return ModuleSpec(fullname, self) if self._find_theirs(fullname) else None

    def exec_module(self, module: ModuleType) -> None:
        """The import system takes what lies in sys.modules afterwards: the very module of torch, untouched."""
        sys.modules[module.__name__] = importlib.import_module(self._name_of_theirs(module.__name__))

    def _name_of_theirs(self, fullname: str) -> str:
        return self.theirs + fullname[len(self.ours) :]

    def _find_theirs(self, fullname: str) -> ModuleSpec | None:
        try:
            return importlib.util.find_spec(self._name_of_theirs(fullname))
        except ModuleNotFoundError:  # its parent is a module without submodules
            return None


def pass_submodules_through(ours: str, path: Sequence[str], theirs: str) -> None:
    """From now on `import ours.x` imports `theirs.x`, unless x lies in our path."""
    if not any(isinstance(finder, _PassThrough) and finder.ours == ours for finder in sys.meta_path):
        sys.meta_path.insert(0, _PassThrough(ours, path, theirs))
