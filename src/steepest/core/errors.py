"""One exception tree, so that every failure says what was seen, what was needed and the repair, to a reader and to a program."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SteepestError(Exception):
    """Base of all our errors; the fields hold the facts that the message tells.

    where: the thing that refused (a function, a file, an option). seen: what came. needed: what must come.
    repair: the likely fix. consequence: what would have happened silently.
    """

    def __init__(self, *, where: str, seen: str, needed: str, repair: str, consequence: str = "") -> None:
        self.where, self.seen, self.needed, self.repair, self.consequence = where, seen, needed, repair, consequence
        head = f"{where}: {seen}; {needed}".rstrip(".") + "."
        super().__init__("\n".join(line for line in (head, consequence, repair) if line))

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.where, self.seen, self.needed, self.repair, self.consequence)


def _rebuild(
    kind: type[SteepestError], where: str, seen: str, needed: str, repair: str, consequence: str
) -> SteepestError:
    return kind(where=where, seen=seen, needed=needed, repair=repair, consequence=consequence)


class ShapeError(SteepestError, ValueError):
    """Two shapes that must agree do not."""


class DtypeError(SteepestError, TypeError):
    """A tensor of a kind of number that cannot be used here."""


class LabelError(SteepestError, ValueError):
    """A class label outside the classes."""


class DomainError(SteepestError, ValueError):
    """A hyperparameter outside its declared domain."""


class UnknownName(SteepestError, LookupError):
    """A name that no item bears."""


class DataError(SteepestError, ValueError):
    """Data that cannot be read or cannot be learned from."""


class ModelError(SteepestError, ValueError):
    """A model that cannot be built or does not fit the data."""


class MetricError(SteepestError, ValueError):
    """A metric that does not fit the task."""


class NotComparable(SteepestError, ValueError):
    """A comparison whose answer would mean nothing."""


class StoreError(SteepestError, OSError):
    """A folder or file that cannot be written, read or trusted."""


class UsageError(SteepestError, ValueError):
    """An argument that makes no sense here."""


class UnknownArgument(UsageError, TypeError):
    """An argument that the call does not take; a TypeError too, as Python's own."""


class Unsupported(SteepestError, RuntimeError):
    """What torch's optimizers refuse at run time: a kind of tensor, or two options that exclude each other."""


class OutOfMemory(SteepestError, MemoryError):
    """Something did not fit into the memory of the device."""


class DeclarationError(SteepestError, TypeError):
    """An item whose declaration contradicts itself; raised when its file is imported."""


SHORTEST = 3
"""Letters that can stand for a name that begins with them: "acc" for accuracy."""


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The repair for an unknown name: the nearest known ones, or all of them when none is near."""
    known = sorted(set(names))
    folded = {n.lower(): n for n in known}
    begun = [n for n in folded if len(name) >= SHORTEST and n.startswith(name.lower())]
    begun += [n for n in folded if len(name) >= SHORTEST and name.lower() in n.split("_") and n not in begun]
    near = [*begun, *(n for n in difflib.get_close_matches(name.lower(), folded, n=3, cutoff=0.6) if n not in begun)]
    if near:
        return "Did you mean " + " or ".join(repr(folded[n]) for n in near[:3]) + "?"
    return "Known: " + ", ".join(known) + "." if known else "Nothing is known yet."


def unknown_name(where: str, name: str, kind: str, names: Iterable[str]) -> UnknownName:
    return UnknownName(
        where=where,
        seen=f"there is no {kind} called {name!r}",
        needed=f"the name of a known {kind} was needed",
        repair=did_you_mean(name, names),
    )
