"""Sections, charts, style and numbers become one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from steepest.core.declare import Section
from steepest.results.durable import atomic_write
from steepest.results.records import Study

from . import sections
from .blocks import Block, Figure, Panel, Panels, Text
from .charts.theme import NARROW, WIDE
from .embedded import as_json
from .names import CLOSE, OPEN, clean
from .palette import style_sheet
from .svg import svg

INTERVAL = re.compile(r"(\[[^\[\], ]+,) ([^\[\], ]+\])")  # is not broken at the end of a line
PANEL = 272  # three in a row
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1f5fd0"/>'
    '<path d="M6 7c5 0 6 16 20 18" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"/></svg>'
)


def write(study: Study, path: str | os.PathLike[str]) -> Path:
    """Put the page at `path`, whole or not at all."""
    target = Path(path)
    atomic_write(target, page(study))
    return target


def page(study: Study) -> str:
    """The HTML page: no script, no request to anywhere; all numbers are in it as JSON (`script#study`)."""
    return document(_title(study), [(i.name, i.question, block) for i, block in answers(study)], as_json(study))


def document(title: str, blocks: Sequence[tuple[str, str, Block]], numbers: str) -> str:
    """A page of any blocks, each with its id and its question. numbers: JSON that is safe inside a script element."""
    style = style_sheet() + files(__package__).joinpath("page.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return str(
        _environment()
        .get_template("page.html.j2")
        .render(
            title=title,
            sections=[({"name": name, "question": question}, block) for name, question, block in blocks],
            style=_safe(style),
            policy=f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'",
            icon=base64.b64encode(ICON.encode()).decode(),
            numbers=_safe(numbers),
            charts=_Drawer(),
        )
    )


def answers(study: Study) -> Iterator[tuple[Section, Block]]:
    """The sections that have something to say, in their order."""
    found = cast("Iterable[Section]", sections)
    for item in sorted(found, key=lambda s: (s.order, s.name)):
        said = item(study)
        if said is not None:
            yield item, said if isinstance(said, Block) else Block(parts=[Text(said)])


class _Drawer:
    """Draws the charts of one page; each gets ids of its own."""

    def __init__(self) -> None:
        self.drawn = 0

    def figure(self, f: Figure) -> Any:
        """Twice: readable letters on a wide screen and on a phone, where nothing hovers over a mark."""
        wide, narrow = self._svg(f, WIDE), self._svg(f, NARROW, tips=False)
        return _safe(f'<div class="wide">{wide}</div><div class="narrow">{narrow}</div>')

    def panels(self, p: Panels) -> Iterator[tuple[Any, Any]]:
        for panel in p.panels:
            yield panel, _safe(self._svg(panel, PANEL))

    def _svg(self, drawable: Figure | Panel, width: int, tips: bool = True) -> str:
        from altair.utils.schemapi import debug_mode

        self.drawn += 1
        with debug_mode(False):  # each part of each chart against Vega's schema: a test does that
            return svg(drawable.draw(width), drawable.alt, f"c{self.drawn}-", tips)


def prose(text: str) -> Any:
    """Escapes a sentence and gives the names in it a direction of their own."""
    from markupsafe import Markup, escape

    text = INTERVAL.sub("\\1\u00a0\\2", text.replace(" %", "\u00a0%"))
    parts = re.split(f"{OPEN}([^{CLOSE}]*){CLOSE}", text)
    return Markup("").join(
        Markup('<bdi class="name">{}</bdi>').format(p) if i % 2 else escape(p) for i, p in enumerate(parts)
    )


@lru_cache(maxsize=1)
def _environment() -> Any:
    import jinja2

    found = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, ""), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    found.filters["prose"] = prose
    return found


def _safe(text: str) -> Any:
    """Text of our own making, or already escaped."""
    from markupsafe import Markup

    return Markup(text)


def _title(study: Study) -> str:
    plan = study.plan
    return f"{clean(plan.model, 40)} on {clean(plan.data.get('name', 'data'), 40)}, by {clean(plan.metric, 40)}"
