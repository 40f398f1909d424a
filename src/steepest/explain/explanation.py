"""What `steepest.explain` gives back: one item, told in a terminal, in a notebook, as LaTeX and as a chart."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from .chart import chart_of, rendered, save
from .facts import facts_of
from .find import Found
from .notebook import html_of, markdown_of
from .record import Facts
from .terminal import text_of


class Explanation:
    """Print it for the text; in a notebook it shows formula, table and curve. `facts` holds all as plain values."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self.item = found.item
        self.name = found.item.name

    @cached_property
    def facts(self) -> Facts:
        return facts_of(self._found)

    @property
    def text(self) -> str:
        """For a terminal of 80 columns, without colours; the curve is drawn in braille dots."""
        return self.render()

    def render(self, *, width: int = 80, colour: bool = False, code: bool = False) -> str:
        """The text for a width. code: the source too, which a rule, and mathematics without a formula, always show."""
        says_it_best = self.item.kind == "rule" or (
            self.item.kind in ("loss", "schedule", "metric") and not self.facts.formula
        )
        return text_of(self.facts, width=width, colour=colour, code=code or says_it_best)

    @property
    def latex(self) -> str:
        """The formula, or "" where no closed form is declared."""
        return self.facts.latex

    @property
    def markdown(self) -> str:
        return markdown_of(self.facts)

    def plot(self, path: str | Path | None = None) -> Any:
        """The curve as an altair chart; with a path (.svg, .png, .html) it is written there as well."""
        if path is not None:
            save(self.facts, Path(path))
        return chart_of(self.facts)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Explanation of {self.item.kind} {self.item.name}>"

    def _repr_markdown_(self) -> str:
        return self.markdown

    def _repr_html_(self) -> str:
        return html_of(self.facts, str(rendered(self.facts, ".svg")) if self.facts.panels else "")
