"""From the text of a program to what can be read in it."""

from __future__ import annotations

import ast

from .source import Source


def read(text: str, file: str) -> Source:
    """Raises SyntaxError as Python does; nothing of the program is executed."""
    return Source(text, file, ast.parse(text, file))
