"""The rules, found by walking their folder and by the entry point "steepest.checks": a new file is a new check."""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
from functools import cache

from steepest.core.checks import Check
from steepest.core.errors import unknown_name

from . import rules

ENTRY_POINTS = "steepest.checks"
"""Where packages of others name modules with checks; a group of its own, so that reading a script loads no more than it needs."""


@cache
def all_checks() -> tuple[Check, ...]:
    """Every check of the catalogue in the order of the codes."""
    found = []
    names = [f"{rules.__name__}.{info.name}" for info in pkgutil.iter_modules(rules.__path__)]
    for name in [*names, *(point.module for point in importlib.metadata.entry_points(group=ENTRY_POINTS))]:
        module = importlib.import_module(name)
        found += [v for v in vars(module).values() if isinstance(v, Check) and v.fn.__module__ == module.__name__]
    return tuple(sorted(found, key=lambda c: c.code))


def check_of(code: str) -> Check:
    """The check with this code, in any case."""
    by_code = {c.code: c for c in all_checks()}
    if code.upper() not in by_code:
        raise unknown_name("check", code, "check", by_code)
    return by_code[code.upper()]
