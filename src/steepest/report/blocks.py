"""What a section says: an answer in one sentence, then figures, tables and text. Plain values; the page decides how they look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Union


@dataclass(frozen=True)
class Headline:
    """The verdict: its kind as a badge, its first claim as the title of the page, further ones below."""

    kind: ClassVar[str] = "headline"
    badge: str
    tone: str  # good, open, bad
    sentence: str
    further: str = ""


@dataclass(frozen=True)
class Text:
    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Notes:
    """Short statements in a list."""

    kind: ClassVar[str] = "notes"
    items: Sequence[str]
    title: str = ""


@dataclass(frozen=True)
class Fact:
    name: str
    value: str
    detail: str = ""


@dataclass(frozen=True)
class Facts:
    """Figures side by side; large ones stand under the headline."""

    kind: ClassVar[str] = "facts"
    items: Sequence[Fact]
    large: bool = False


@dataclass(frozen=True)
class Key:
    """One entry of a legend: mark is dot, ring, line, dash, band or cross; colour is a name of the palette."""

    mark: str
    colour: str
    text: str


@dataclass(frozen=True)
class Figure:
    """A chart that is drawn twice, for wide and for narrow pages. alt says in words what it shows."""

    kind: ClassVar[str] = "figure"
    draw: Callable[[int], Any]
    alt: str
    caption: str = ""
    keys: Sequence[Key] = ()


@dataclass(frozen=True)
class Panel:
    title: str
    colour: str
    draw: Callable[[int], Any]
    alt: str
    note: str = ""
    warning: str = ""


@dataclass(frozen=True)
class Panels:
    """Small charts of one form in a grid that follows the width of the page."""

    kind: ClassVar[str] = "panels"
    panels: Sequence[Panel]
    caption: str = ""
    keys: Sequence[Key] = ()


@dataclass(frozen=True)
class Badge:
    """A short judgement; of: the name that it is about, on a line of its own."""

    kind: ClassVar[str] = "badge"
    text: str
    tone: str = "quiet"  # good, open, bad, quiet
    of: str = ""
    colour: str = "other"


@dataclass(frozen=True)
class Whisker:
    """A value with its interval; the position of low, middle and high in percent of the column's common axis."""

    kind: ClassVar[str] = "whisker"
    text: str
    interval: str = ""
    position: tuple[float, float, float] | None = None
    colour: str = "other"


@dataclass(frozen=True)
class Bar:
    """A value with a bar that is `share` (0 to 1) of the cell long."""

    kind: ClassVar[str] = "bar"
    text: str
    share: float


@dataclass(frozen=True)
class Name:
    """A name in a table, with the colour of its role."""

    kind: ClassVar[str] = "name"
    text: str
    colour: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Stack:
    """A statement and, smaller under it, what it rests on."""

    kind: ClassVar[str] = "stack"
    text: str
    detail: str = ""


Cell = Union[str, Badge, Whisker, Bar, Name, Stack]


@dataclass(frozen=True)
class Column:
    title: str
    numeric: bool = False
    wide: bool = False


@dataclass(frozen=True)
class Table:
    kind: ClassVar[str] = "table"
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""


@dataclass(frozen=True)
class Code:
    """Text to be copied: one click selects all of it."""

    kind: ClassVar[str] = "code"
    text: str
    title: str = ""


Part = Union[Headline, Text, Notes, Facts, Figure, Panels, Table, Code]


@dataclass(frozen=True)
class Block:
    answer: str = ""
    parts: Sequence[Part] = field(default_factory=tuple)
