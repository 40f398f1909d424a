"""Sentences of the declarations with links: to the items that they name, and to their sources."""

from __future__ import annotations

import html
import re
from collections.abc import Collection

NAME = re.compile(r"\b[a-z]\w*\b")
ENDS = re.compile(r"[,.;)](?:\s|$)|$| or | and ")
SOURCES = (
    (re.compile(r"\barXiv:(\d{4}\.\d{4,5}|[a-z-]+/\d{7})"), "https://arxiv.org/abs/"),
    (re.compile(r"\bdoi:(10\.\d{4,9}/[^\s,;()]+(?:\([^\s()]*\)[^\s,;()]*)*)"), "https://doi.org/"),
)


def linked(text: str, names: Collection[str]) -> str:
    """The text, escaped, with a link wherever a sibling is named.

    A name that is also a word ("square", "focal") counts where a list or a sentence ends after it, as in "then dice."
    """

    def link(match: re.Match[str]) -> str:
        name = match[0]
        is_name = name in names and ("_" in name or any(map(str.isdigit, name)) or ENDS.match(text, match.end()))
        return f'<a href="{name}.html">{name}</a>' if is_name else name

    pieces, last = [], 0
    for match in NAME.finditer(text):
        pieces += [html.escape(text[last : match.start()]), link(match)]
        last = match.end()
    return "".join([*pieces, html.escape(text[last:])])


def sourced(text: str) -> str:
    """The text, escaped, with arXiv and DOI numbers as links."""
    found = html.escape(text)
    for pattern, address in SOURCES:
        found = pattern.sub(lambda m, a=address: f'<a href="{a}{m[1]}">{m[0]}</a>', found)  # type: ignore[misc]
    return found
