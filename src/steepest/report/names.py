"""Names that other people chose, made harmless and short: for HTML text, for charts, for the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable

# First-strong isolate and its end: the text direction of a name never leaks into the sentence around it, and a template can find it.
OPEN, CLOSE = "\u2068", "\u2069"
_BIDI = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C])
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\ud800-\udfff]")


def clean(text: object, limit: int = 160) -> str:
    """One line without control and direction characters, at most `limit` long; never empty."""
    return shorten(" ".join(plain_lines(str(text)).split()), limit) or "(no name)"


def plain_lines(text: str) -> str:
    """Text whose only control characters are tab and newline; what HTML and XML cannot hold becomes U+FFFD."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_BIDI)
    return _CONTROL.sub("\ufffd", text)


def shorten(text: str, limit: int) -> str:
    """Keep the beginning and the end: names of arms differ at either."""
    if len(text) <= limit:
        return text
    tail = limit // 3
    return text[: limit - tail - 1] + "…" + text[len(text) - tail :]


def named(text: object, limit: int = 80) -> str:
    """A name inside a sentence."""
    return OPEN + clean(text, limit) + CLOSE


def labels(names: Iterable[str], limit: int = 36) -> dict[str, str]:
    """A short label for each name; two names never share one."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        base = label = clean(name, limit)
        n = 2
        while label in taken:
            label = f"{base} ({n})"
            n += 1
        found[name] = label
        taken.add(label)
    return found


def listed(items: Iterable[str], limit: int = 4) -> str:
    """`a, b and c`; beyond the limit `a, b, c, d and 7 more`."""
    parts = list(items)
    if len(parts) > limit:
        parts = [*parts[:limit], f"{len(parts) - limit} more"]
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1] if parts else "none"


def count(n: int, singular: str, plural: str = "") -> str:
    """`1 seed`, `3 seeds`, `1,200 trials`."""
    return f"{n:,} {singular if n == 1 else plural or singular + 's'}"
