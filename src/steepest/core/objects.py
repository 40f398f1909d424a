"""Objects of the user's own code, named as "file.py:Net" or "module:Net"; errors there are shown with their line."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import SteepestError, did_you_mean

OURS = Path(__file__).resolve().parent.parent
STANDARD = Path(traceback.__file__).resolve().parent


@dataclass(frozen=True)
class Address:
    """Where an object lies: a file or a dotted module, and the (dotted) attribute in it."""

    place: str
    attribute: str
    is_file: bool

    @staticmethod
    def read(text: str) -> Address | None:
        """The address in "file.py:Net", "C:\\nets\\file.py:Net" or "package.module:Net"; None where the text is none.

        >>> Address.read("nets/net.py:Net")
        Address(place='nets/net.py', attribute='Net', is_file=True)
        """
        match = re.fullmatch(r"(.+\.py):([^\W\d]\w*(?:\.[^\W\d]\w*)*)", text)
        if match:
            return Address(match[1], match[2], True)
        match = re.fullmatch(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*):([^\W\d]\w*(?:\.[^\W\d]\w*)*)", text)
        return Address(match[1], match[2], False) if match else None


def find_object(address: Address, error: type[SteepestError]) -> Any:
    """Import the file or module, with its folder and the current one importable meanwhile, and take the attribute."""
    with importable(address):
        module = _from_file(address, error) if address.is_file else _from_module(address, error)
    found: Any = module
    for part in address.attribute.split("."):
        if not hasattr(found, part):
            raise error(
                where=address.place, seen=f"there is no {address.attribute!r} in it",
                needed="a name that the file defines was needed",
                repair=did_you_mean(part, _public_names(found)),
            )
        found = getattr(found, part)
    return found


def _public_names(found: Any) -> list[str]:
    inside = getattr(found, "__dict__", {})
    return [name for name, value in inside.items() if not name.startswith("_") and not isinstance(value, ModuleType)]


@contextmanager
def importable(address: Address | None) -> Iterator[None]:
    """The current folder, and that of the address's file, are on sys.path inside."""
    folders = [str(Path.cwd())]
    if address is not None and address.is_file:
        folders.insert(0, str(Path(address.place).resolve().parent))
    added = [f for f in dict.fromkeys(folders) if f not in sys.path]
    sys.path[:0] = added
    try:
        yield
    finally:
        for folder in added:
            if folder in sys.path:
                sys.path.remove(folder)


@contextmanager
def user_code(where: str, needed: str, error: type[SteepestError]) -> Iterator[None]:
    """What the user's code raises inside becomes our error, which quotes the user's own line; the cause is chained.

    A program that ends itself (sys.exit, argparse) counts as failure; Ctrl-C passes.
    """
    try:
        yield
    except SteepestError:
        raise
    except (Exception, SystemExit) as failure:
        place, quoted = _own_line(failure)
        text = " ".join(str(failure).split()) or "no message"
        repair = f"Mend {place}." if place else "Mend what it says."
        if isinstance(failure, SystemExit):
            repair = 'Put what runs the program under: if __name__ == "__main__":'
        raise error(
            where=where, seen=f"{place + ': ' if place else ''}{quoted}{type(failure).__name__}: {text}", needed=needed,
            repair=repair,
        ) from failure


def _own_line(failure: BaseException) -> tuple[str, str]:
    """ "net.py line 12" and the quoted line: the deepest one that is neither ours nor a library's."""
    if isinstance(failure, SyntaxError) and failure.filename:
        return f"{Path(failure.filename).name} line {failure.lineno}", f"`{(failure.text or '').strip()}` raised "
    for frame in reversed(traceback.extract_tb(failure.__traceback__)):
        path = Path(frame.filename)
        folders = {*path.resolve().parents}
        library = OURS in folders or STANDARD in folders or {"site-packages", "dist-packages"} & set(path.parts)
        if path.is_file() and not library:
            return f"{path.name} line {frame.lineno}", f"`{frame.line}` raised "
    return "", ""


def _from_file(address: Address, error: type[SteepestError]) -> ModuleType:
    path = Path(address.place)
    if not path.is_file():
        near = [p.name for p in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise error(
            where=address.place, seen="there is no such file", needed="a Python file was needed",
            repair=did_you_mean(path.name, near).replace("Known:", "There are:") if near
            else f"Is the path right, seen from {Path.cwd()}?",
        )
    path = path.resolve()
    name = f"_user_{re.sub(r'[^a-zA-Z0-9]', '_', path.stem)}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look their module up by name
    with user_code(address.place, "the file must import without an error", error):
        spec.loader.exec_module(module)
    return module


def _from_module(address: Address, error: type[SteepestError]) -> ModuleType:
    try:
        found = importlib.util.find_spec(address.place)
    except ModuleNotFoundError:
        found = None
    except Exception:  # a parent package that fails: the import below shows where
        found = importlib.util.spec_from_loader(address.place, None)
    if found is None:
        raise error(
            where=f"{address.place}:{address.attribute}", seen=f"there is no module {address.place!r}",
            needed="an installed module, or one in the current folder, was needed",
            repair=f"For a file write its path: {address.place.replace('.', '/')}.py:{address.attribute}",
        )
    with user_code(address.place, "the module must import without an error", error):
        return importlib.import_module(address.place)
