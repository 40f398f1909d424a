"""Find an item by what people call it: its name, its class, its twin in torch, with options or without."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from steepest import data, losses, metrics, models, optim
from steepest.core.calls import parse_call
from steepest.core.errors import UnknownName, UsageError
from steepest.core.item import Item
from steepest.losses import weightings
from steepest.optim import schedules, transforms

CATALOGUES: dict[str, Any] = {
    "losses": losses,
    "optimizers": optim,
    "schedules": schedules,
    "transforms": transforms,
    "weightings": weightings,
    "metrics": metrics,
    "data": data,
    "models": models,
}


@dataclass(frozen=True)
class Found:
    """An item, the catalogue it lies in, the options that were asked for with it, and others of the same name."""

    item: Item
    catalogue: str
    options: dict[str, Any]
    namesakes: list[str]


def find(asked: str | Item) -> Found:
    """The item that is meant. "focal", "focal(gamma=5)", "AdamW", "torch.nn.HuberLoss", "schedules.constant"."""
    if isinstance(asked, Item):
        return Found(asked, _home_of(asked), {}, [])
    text, options = parse_call(asked, "explain")
    hits = list(_hits(text))
    if not hits:
        raise _unknown(text)
    catalogue, item = hits[0]
    _check_options(item, options)
    return Found(item, catalogue, options, [f"{c}.{i.name}" for c, i in hits[1:] if i is not item])


def _home_of(item: Item) -> str:
    return next((name for name, items in CATALOGUES.items() if items._kind == item.kind), "")


def _hits(text: str) -> Iterator[tuple[str, Item]]:
    """Exact names first, then those of class and twin in any capitals, then those of relatives in other libraries."""
    prefix, dot, rest = text.partition(".")
    prefix = "optimizers" if prefix == "optim" else prefix
    if dot and prefix in CATALOGUES:
        wanted, kinds = rest, [prefix]
    else:
        wanted, kinds = text, list(CATALOGUES)
    last = wanted.rpartition(".")[2].lower()
    for is_meant in (
        lambda i: i.name == wanted,
        lambda i: wanted.lower() in _other_names(i),
        lambda i: wanted.lower() in _names_of_relatives(i),
        lambda i: last in _other_names(i) | _names_of_relatives(i),
    ):
        hits = [(kind, item) for kind in kinds for item in CATALOGUES[kind] if is_meant(item)]
        if hits:
            yield from hits
            return


def _other_names(item: Item) -> set[str]:
    """Its class and its twin: "huber", "torch.nn.huberloss", "huberloss"."""
    return {item.name, item.class_name.lower(), *_with_last([getattr(item, "equals", None) or ""])}


def _names_of_relatives(item: Item) -> set[str]:
    """What is called otherwise elsewhere, and differs: "torch.nn.ctcloss", "ctcloss"."""
    return _with_last([name for name in getattr(item, "differs", {}) if " " not in name and "." in name])


def _with_last(names: list[str]) -> set[str]:
    found = {name.lower() for name in names}
    return (found | {name.rpartition(".")[2] for name in found}) - {""}


def _check_options(item: Item, options: dict[str, Any]) -> None:
    try:
        item.check_hyper(options)
    except UsageError as error:
        known = ", ".join(item.hyper) or "none"
        raise UsageError(
            where=item.name, seen=error.seen, needed=f"one of its parameters was needed: {known}", repair=error.repair
        ) from None


def _unknown(text: str) -> UnknownName:
    names = {n: item.name for items in CATALOGUES.values() for item in items for n in _other_names(item)}
    close = difflib.get_close_matches(text.rpartition(".")[2].lower(), sorted(names), n=3, cutoff=0.6)
    near = list(dict.fromkeys(names[n] for n in close))
    return UnknownName(
        where="explain",
        seen=f"nothing is called {text!r}",
        needed="the name of a loss, weighting, optimizer, schedule, transform, metric, data set or model was needed",
        repair=f"Did you mean {' or '.join(repr(n) for n in near)}?" if near else "All names: steepest list",
    )
