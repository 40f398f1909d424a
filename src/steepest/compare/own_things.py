"""Losses and optimizers of the user's own: what they are called, where they are found, whether they are still the same."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from steepest.core.calls import split_sum
from steepest.core.errors import UsageError, did_you_mean
from steepest.core.item import Item
from steepest.core.objects import Address, find_object

from .choice import read_axes

FORBIDDEN = set("+,()|*")
"""Letters that divide the words for an arm."""


class OwnThing:
    """What a loss and an optimizer of the user's own have in common. own: what is called; given: the user's own object."""

    kind: str
    own: Any
    given: Any
    name: str

    @property
    def purpose(self) -> str:
        return (inspect.getdoc(self.own) or "").split("\n\n")[0] or self.name

    @property
    def fingerprint(self) -> str:
        """A study that goes on must go on with the same thing."""
        return hashlib.sha256("\n".join(_said_of(self.own, self.name)).encode()).hexdigest()[:16]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.own, self.name)


@dataclass(frozen=True)
class Words:
    """What "file.py:thing(option=1|2)" means: the object, and the values of its options."""

    address: str
    thing: Callable[..., Any]
    axes: dict[str, list[Any]]


def words_of_own(text: str, needed: str, alone: str) -> Words | None:
    """None where no address stands in the text. alone: why nothing may stand beside it."""
    parts = split_sum(text) or [text]
    addresses = [part.partition("(")[0].strip() for part in parts]
    found = next((address for address in addresses if Address.read(address)), None)
    if found is None:
        return None
    if len(parts) > 1:
        raise UsageError(
            where=found,
            seen=f"{text!r}, a sum with something of your own",
            needed=f"it was needed by itself: {alone}",
            repair="Put it into your own function.",
        )
    address = Address.read(found)
    assert address is not None
    thing = find_object(address, UsageError)
    if not callable(thing):
        seen = f"{address.attribute} is a {type(thing).__name__}"
        raise UsageError(where=found, seen=seen, needed=f"{needed} was needed", repair="Name that one.")
    return Words(found, thing, read_axes("f" + text.strip()[len(found) :])[1])


def name_for(one: Any, given: str, kind: str, taken: Iterable[str]) -> str:
    """given: the name in the user's dictionary. taken: names of the catalogue."""
    own = _inner(one)
    found = given or getattr(own, "__name__", type(own).__name__)
    if not found or found == "<lambda>" or FORBIDDEN & set(found):
        raise UsageError(
            where=_several(kind),
            seen=f"one called {found!r}",
            needed="a name without + , ( ) | * was needed",
            repair=f'Name it: {_several(kind)}={{"mine": my_{kind}, ...}}.',
        )
    return f"own_{found}" if found in set(taken) else found


def refuse_options(where: str, kind: str, options: Iterable[str], known: list[inspect.Parameter]) -> None:
    """Refuse an option that is none of these arguments."""
    names = [p.name for p in known]
    unknown = [name for name in options if name not in names]
    if unknown and not any(p.kind is p.VAR_KEYWORD for p in known):
        raise UsageError(
            where=where,
            seen=f"option {unknown[0]!r}",
            needed=f"an argument of the {kind} was needed",
            repair=did_you_mean(unknown[0], names) if names else "It takes no option.",
        )


def refuse_another(known: Item, item: Item) -> None:
    """Two things of the user's own that bear one name must be the same."""
    if not isinstance(item, OwnThing) or known is item:
        return
    assert isinstance(known, OwnThing)
    is_same = known.given is item.given or Address.read(item.name) is not None
    if not is_same or known.fingerprint != item.fingerprint:
        raise UsageError(
            where=_several(item.kind),
            seen=f"two different {_several(item.kind)} called {item.name!r}",
            needed="a name for each was needed",
            repair=f'Name them: {_several(item.kind)}={{"plain": ..., "other": ...}}.',
        )


def _several(kind: str) -> str:
    return "losses" if kind == "loss" else "optimizers"


def _inner(one: Any) -> Any:
    """What a functools.partial calls, or the thing itself."""
    return one.func if isinstance(one, partial) else one


def _is_plain(value: Any) -> bool:
    """Its text says all of it, in every process."""
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


def _said_of(one: Any, name: str) -> Iterator[str]:
    """Its source, its plain attributes and defaults; of an address the whole file, whose other functions it may use."""
    own, address = _inner(one), Address.read(name)
    if isinstance(one, partial):
        yield repr((one.args, one.keywords))
    if isinstance(own, nn.Module):
        yield from (f"{n}={v!r}" for n, v in sorted(vars(own).items()) if _is_plain(v))
        yield from (f"{n}={b.tolist()}" for n, b in own.named_buffers())
    if address is not None and address.is_file:
        yield Path(address.place).read_text(encoding="utf-8")
    kept = [cell.cell_contents for cell in getattr(own, "__closure__", None) or ()]
    yield from (repr(v) for v in (*kept, *(getattr(own, "__defaults__", None) or ())) if _is_plain(v))
    try:
        yield inspect.getsource(type(own) if isinstance(own, nn.Module) else own)
    except (OSError, TypeError):  # typed into a console
        yield getattr(getattr(own, "__code__", None), "co_code", b"").hex()
