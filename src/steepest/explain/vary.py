"""Which values of a hyperparameter a picture shows: the default and one on each side, or the one that was asked for."""

from __future__ import annotations

from typing import Any

from steepest.core.domains import Interval, Linear, Log, Log1m, PerClass
from steepest.core.item import REQUIRED, Hyper, Item


def variants(
    item: Item, asked: dict[str, Any], skip: tuple[str, ...] = (), vary: str | None = None
) -> list[tuple[str, dict[str, Any]]]:
    """(label, hyperparameters) of each line; one line where nothing can be varied. vary: the name, if not the first."""
    fixed = {name: _stand_in(h) for name, h in item.hyper.items() if h.default is REQUIRED and name not in skip}
    fixed.update(asked)
    name = vary or _name_to_vary(item, asked, skip)
    if name is None:
        return [(item.name, fixed)]
    hyper = item.hyper[name]
    shown = (
        sorted({hyper.default, asked[name]})
        if name in asked and hyper.default is not REQUIRED
        else around(hyper, fixed.get(name))
    )
    return [(_label(hyper, value), {**fixed, name: value}) for value in shown]


def around(hyper: Hyper, instead: Any = None) -> list[float]:
    """The default and one value on each side of it, inside the domain, in the search range's own spacing."""
    middle = float(instead if hyper.default is REQUIRED else hyper.default)
    search, domain = hyper.search, hyper.domain
    if isinstance(search, Log) and middle > 0:
        near = [middle / 3, middle * 3] if search.low < middle < search.high else [middle * 3, middle * 9]
        near = [v if middle < search.high else middle**2 / v for v in near]
    elif isinstance(search, Log1m):
        near = [1 - (1 - middle) * 3, 1 - (1 - middle) / 3]
    elif isinstance(search, Linear):
        near = [search.low, search.high]
    elif isinstance(domain, Interval) and domain.low == 0 and domain.high == 1:
        near = [middle / 2, (1 + middle) / 2]
    else:
        near = [middle / 2, middle * 2] if middle else [0.5, 1.0]
    values = {float(f"{v:.3g}") for v in (near[0], middle, near[1])}
    return sorted(v for v in values if isinstance(domain, Interval) and domain.holds(v))


def _name_to_vary(item: Item, asked: dict[str, Any], skip: tuple[str, ...]) -> str | None:
    """The first number among those that were asked for, else the first of all."""
    numbers = varied(item, skip)
    return next((n for n in asked if n in numbers), numbers[0] if numbers else None)


def varied(item: Item, skip: tuple[str, ...] = ()) -> list[str]:
    """The hyperparameters that a picture can vary: numbers."""
    return [
        n for n, h in item.hyper.items() if isinstance(h.domain, Interval) and h.default is not None and n not in skip
    ]


def _label(hyper: Hyper, value: Any) -> str:
    is_default = hyper.default is not REQUIRED and value == hyper.default
    return f"{hyper.name} = {value:g}" + (" (default)" if is_default else "")


def _stand_in(hyper: Hyper) -> Any:
    if isinstance(hyper.domain, PerClass):
        return hyper.domain.allowed(n_classes=2)[0]  # pictures have two classes
    return hyper.domain.allowed()[0] if hyper.domain else 1.0
