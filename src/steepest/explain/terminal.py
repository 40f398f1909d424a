"""An explanation as text: plain, or with colours for a terminal."""

from __future__ import annotations

import re
import textwrap

from .drawing import draw, legend
from .record import Facts, Panel, Parameter

INDENT = "  "
WIDE = 96
"""From this width on, two panels stand side by side."""


def text_of(facts: Facts, *, width: int = 80, colour: bool = False, code: bool = False) -> str:
    """All sections that have something to say, separated by empty lines."""
    page = _Page(width, colour)
    blocks = [
        page.title(facts),
        page.paragraph(facts.purpose, ""),
        page.section("Use it", page.paragraph(facts.use)),
        page.section("Do not use it", page.paragraph(facts.avoid)),
        page.section("Formula", [INDENT * 2 + line.rstrip() for line in facts.formula.splitlines()]),
        page.section("In code", [INDENT * 2 + line for line in facts.code.splitlines()]) if code else [],
        page.section("Parameters", page.parameters(facts.parameters)),
        page.section("Facts", page.pairs([*facts.details, *_origin(facts)])),
        page.section(
            "Claims, each tried by a test", [line for c in facts.claims for line in page.paragraph(c, INDENT + "· ")]
        ),
        page.section("Elsewhere", page.twins(facts.differs)),
        page.section("How to write it", page.pairs(facts.uses)),
        page.panels(facts.panels),
        page.paragraph("Also of this name: " + ", ".join(f"steepest explain {n}" for n in facts.namesakes), "")
        if facts.namesakes
        else [],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _origin(facts: Facts) -> list[tuple[str, str]]:
    return [
        (label, text)
        for label, text in (("the same in", facts.twin), ("source", facts.source), ("file", facts.file))
        if text
    ]


class _Page:
    """Width and colour, which every part asks for."""

    def __init__(self, width: int, colour: bool) -> None:
        self.width, self.colour = max(40, width), colour

    def bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.colour else text

    def dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self.colour else text

    def title(self, facts: Facts) -> list[str]:
        return [self.bold(facts.name) + self.dim(f"  {facts.kind}")]

    def section(self, heading: str, lines: list[str]) -> list[str]:
        return [self.bold(heading), *lines] if any(line.strip() for line in lines) else []

    def paragraph(self, text: str, start: str = INDENT) -> list[str]:
        return textwrap.wrap(
            text,
            self.width,
            initial_indent=start,
            subsequent_indent=" " * len(start),
            break_long_words=False,
            break_on_hyphens=False,
        )

    def pairs(self, rows: list[tuple[str, str]]) -> list[str]:
        """Labels in a column, texts wrapped beside them."""
        margin = max((len(label) for label, _ in rows), default=0) + 2
        found = []
        for label, text in rows:
            head, *rest = self.paragraph(text, INDENT + " " * margin) or [INDENT + " " * margin]
            found += [INDENT + self.dim(label.ljust(margin)) + head[len(INDENT) + margin :], *rest]
        return found

    def twins(self, rows: list[tuple[str, str]]) -> list[str]:
        """Each name on a line of its own, with what it does otherwise below."""
        found = []
        for name, text in rows:
            found += [INDENT + self.dim(name), *self.paragraph(text, INDENT * 2)]
        return found

    def parameters(self, rows: list[Parameter]) -> list[str]:
        if not rows:
            return []
        cells = [("name", "default", "allowed", "searched")] + [
            (p.name, p.default, p.allowed, p.searched) for p in rows
        ]
        widths = [max(len(row[i]) for row in cells) for i in range(4)]
        lines = [INDENT + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells]
        return [self.dim(lines[0]), *lines[1:]]

    def panels(self, panels: list[Panel]) -> list[str]:
        if not panels:
            return []
        share_legend = len({tuple(s.label for s in p.series) for p in panels}) == 1
        wide = self.width >= WIDE and len(panels) == 2
        size = min((self.width - len(INDENT) - 4) // 2, 64) if wide else min(self.width - len(INDENT), 72)
        drawn = [self._titled(draw(p, size, colour=self.colour)) for p in panels]
        keys = [legend(p, self.colour) for p in panels]
        if not share_legend:
            drawn = [d + k for d, k in zip(drawn, keys)]
        body = (
            _beside(drawn[0], drawn[1], size + 4)
            if wide
            else [line for d in drawn for line in ([*d, ""] if d is not drawn[-1] else d)]
        )
        return [(INDENT + line).rstrip() for line in [*body, *(keys[0] if share_legend else [])]]

    def _titled(self, lines: list[str]) -> list[str]:
        return [self.bold(lines[0]), *lines[1:]] if lines else []


def _beside(left: list[str], right: list[str], margin: int) -> list[str]:
    n = max(len(left), len(right))
    pairs = zip(left + [""] * (n - len(left)), right + [""] * (n - len(right)))
    return [(a + " " * (margin - _visible(a)) + b).rstrip() for a, b in pairs]


def _visible(text: str) -> int:
    """Characters that a terminal shows."""
    return len(re.sub(r"\x1b\[\d+m", "", text))
