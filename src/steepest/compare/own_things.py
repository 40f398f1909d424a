"""Losses and optimizers of the user's own: what they are called, where they are found, whether they are still the same."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from torch import nn

from steepest.core.errors import UsageError, did_you_mean
from steepest.core.objects import Address, find_object

FORBIDDEN = set("+,()|*")
"""Letters that divide the words for an arm."""


def inner(one: Any) -> Any:
    """What a functools.partial calls, or the thing itself."""
    return one.func if isinstance(one, partial) else one


def name_for(one: Any, given: str, kind: str, taken: Iterable[str]) -> str:
    """given: the name in the user's dictionary. kind: "loss" or "optimizer". taken: names of the catalogue."""
    own = inner(one)
    found = given or getattr(own, "__name__", "" if isinstance(one, partial) else type(own).__name__)
    if not found or found == "<lambda>" or FORBIDDEN & set(found):
        raise UsageError(
            where=f"{kind}s" if kind == "optimizer" else "losses",
            seen=f"one called {found!r}",
            needed="a name without + , ( ) | * was needed",
            repair=f'Name it: {"losses" if kind == "loss" else "optimizers"}={{"mine": my_{kind}, ...}}.',
        )
    return f"own_{found}" if found in set(taken) else found


def found_at(text: str, needed: str) -> Callable[..., Any] | None:
    """The object of an address, "file.py:thing" or "module:thing"; None of other words."""
    address = Address.read(text)
    if address is None:
        return None
    found = find_object(address, UsageError)
    if not callable(found):
        seen = f"{address.attribute} is a {type(found).__name__}"
        raise UsageError(where=text, seen=seen, needed=f"{needed} was needed", repair="Name it.")
    return found  # type: ignore[no-any-return]


def refuse_options(where: str, kind: str, options: Iterable[str], known: list[inspect.Parameter]) -> None:
    """Refuse an option that is none of these arguments."""
    names = [p.name for p in known]
    if any(p.kind is p.VAR_KEYWORD for p in known):
        return
    for name in options:
        if name not in names:
            raise UsageError(
                where=where,
                seen=f"option {name!r}",
                needed=f"an argument of the {kind} was needed",
                repair=did_you_mean(name, names) if names else "It takes no option.",
            )


def fingerprint(one: Any) -> str:
    """Of its source and plain attributes: a study that goes on must go on with the same thing."""
    own, said = inner(one), [repr((one.args, one.keywords))] if isinstance(one, partial) else []
    if isinstance(own, nn.Module):
        said += [f"{n}={v!r}" for n, v in sorted(vars(own).items()) if isinstance(v, (int, float, str, type(None)))]
        said += [f"{n}={b.tolist()}" for n, b in own.named_buffers()]
    try:
        said.append(inspect.getsource(type(own) if isinstance(own, nn.Module) else own))
    except (OSError, TypeError):  # typed into a console
        said.append(getattr(getattr(own, "__code__", None), "co_code", b"").hex())
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]
