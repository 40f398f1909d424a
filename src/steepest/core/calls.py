"""A thing named in text with options: "two_moons(noise=0.3)" is a name and a dictionary of plain values."""

from __future__ import annotations

import ast
from typing import Any

from .errors import SteepestError, UsageError


def parse_call(text: str, where: str, error: type[SteepestError] = UsageError) -> tuple[str, dict[str, Any]]:
    """The text before the brackets, and the options inside them; nothing is executed.

    >>> parse_call("two_moons(noise=0.3)", "data")
    ('two_moons', {'noise': 0.3})
    >>> parse_call("cnn(norm=batch, dropout=0.1)", "model")
    ('cnn', {'norm': 'batch', 'dropout': 0.1})
    >>> parse_call("my (old) nets/net.py:Net", "model")
    ('my (old) nets/net.py:Net', {})
    """
    text = text.strip()
    if not text.endswith(")"):
        return text, {}
    start = _opening(text)
    try:
        call = ast.parse(f"f{text[start:]}", mode="eval").body if start > 0 else None
        if isinstance(call, ast.Call) and not call.args and all(k.arg for k in call.keywords):
            return text[:start].strip(), {str(k.arg): plain_value(k.value) for k in call.keywords}
    except (SyntaxError, ValueError):
        pass
    raise error(
        where=where, seen=f"{text!r} cannot be read",
        needed="a name with options such as name(option=1, other=word) was needed",
        repair="Options are given by name; values are plain numbers, words, lists, True, False or None.",
    )


def plain_value(node: ast.expr) -> Any:
    """A literal; a word needs no quotes: in a shell they would stand in other ones. ValueError of anything else."""
    if isinstance(node, ast.Name):
        return {"true": True, "false": False}.get(node.id.lower(), node.id)
    return ast.literal_eval(node)


def _opening(text: str) -> int:
    """Where the bracket opens that the last character closes; 0 where none does."""
    depth = 0
    for place in range(len(text) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return 0


def split_sum(text: str) -> list[str]:
    """At each plus between two things, outside brackets.

    >>> split_sum("adamw(lr=1e+3) + cautious")
    ['adamw(lr=1e+3)', 'cautious']
    """
    parts, depth, start = [], 0, 0
    for i, letter in enumerate(text + "+"):
        depth += (letter == "(") - (letter == ")")
        if letter == "+" and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    return [part for part in [*parts, text[start:].strip()] if part]
