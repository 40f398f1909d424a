"""The catalogue as pages: one HTML file for each item and one that leads to all, without scripts, from the declarations alone."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from steepest.core.formula import Formula
from steepest.core.item import Item
from steepest.core.loss import Loss
from steepest.results.durable import atomic_write

from ..curves import all_panels
from ..facts import facts_of
from ..find import CATALOGUES, Found
from ..record import Panel
from .picture import picture, thumbnail
from .words import linked, sourced

HEADINGS = {"data": "data sets"}


@dataclass(frozen=True)
class Entry:
    """An item in its place: catalogue is its folder, family the heading under which it stands."""

    item: Item
    catalogue: str
    family: str

    @property
    def href(self) -> str:
        return f"{self.catalogue}/{self.item.name}.html"

    @property
    def thumbnail(self) -> Any:
        """Its first curve, small; nothing where it has none."""
        panels = drawn_of(self.item)
        return _safe(thumbnail(panels[0][1][0])) if panels else ""


def write(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """Write the pages into a folder and yield each path when it is there; `index.html` comes last."""
    root = Path(folder)
    entries = list(_entries())
    for before, entry, after in zip([None, *entries], entries, [*entries[1:], None]):
        path = root / entry.href
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, item_page(entry, before, after))
        yield path
    atomic_write(root / "index.html", index_page(entries))
    yield root / "index.html"


def _entries() -> Iterator[Entry]:
    """All items; losses by their (first) task, the largest family first, and in it what the others must beat."""
    for catalogue, items in CATALOGUES.items():
        found = [Entry(item, catalogue, _family(item)) for item in items]
        sizes = {entry.family: sum(other.family == entry.family for other in found) for entry in found}
        yield from sorted(found, key=lambda e: (-sizes[e.family], e.family, not _is_default(e.item), e.item.name))


def _family(item: Item) -> str:
    return item.task[0] if isinstance(item, Loss) else ""


def _is_default(item: Item) -> bool:
    return "default" in getattr(item, "good_for", ())


@cache
def drawn_of(item: Item) -> list[tuple[str, list[Panel]]]:
    """Its panels, computed once for the page, the index and its neighbours."""
    return all_panels(item)


def item_page(entry: Entry, before: Entry | None = None, after: Entry | None = None) -> str:
    """The page of one item, one folder below the index."""
    item = entry.item
    formula = Formula.of(item)
    names = {other.name for other in CATALOGUES[entry.catalogue]} - {item.name}
    return _rendered(
        "item.html.j2",
        title=item.name,
        entry=entry,
        facts=facts_of(Found(item, entry.catalogue, {}, []), is_drawn=False),
        formula=_safe(formula.mathml()) if formula else "",
        curves=_curves(item),
        picture=lambda panel: _safe(picture(panel)),
        linked=lambda text: _safe(linked(text, names)),
        sourced=lambda text: _safe(sourced(text)),
        before=before,
        after=after,
    )


def index_page(entries: list[Entry]) -> str:
    """The page that leads to all others."""
    parts = {
        catalogue: {
            family: [e for e in entries if (e.catalogue, e.family) == (catalogue, family)]
            for family in dict.fromkeys(e.family for e in entries if e.catalogue == catalogue)
        }
        for catalogue in dict.fromkeys(e.catalogue for e in entries)
    }
    return _rendered("index.html.j2", title="Catalogue", parts=parts, headings=HEADINGS)


@dataclass(frozen=True)
class Curve:
    """All panels in which one hyperparameter varies. lines: their labels, where all panels share them."""

    varied: str
    panels: list[Panel]

    @property
    def lines(self) -> list[str]:
        labels = [[line.label for line in panel.series] for panel in self.panels]
        return labels[0] if all(each == labels[0] for each in labels) else []


def _curves(item: Item) -> list[Curve]:
    drawn = drawn_of(item)
    names = dict.fromkeys(name for name, _ in drawn)
    return [Curve(name, [panel for other, both in drawn if other == name for panel in both]) for name in names]


# -- templates ----------------------------------------------------------------------------------------------------------


def _rendered(template: str, **values: Any) -> str:
    style = files(__package__).joinpath("style.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return str(_environment().get_template(template).render(style=_safe(style), policy=policy, **values))


@lru_cache(maxsize=1)
def _environment() -> Any:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, ""), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


def _safe(text: str) -> Any:
    """Text of our own making, or already escaped."""
    from markupsafe import Markup

    return Markup(text)
