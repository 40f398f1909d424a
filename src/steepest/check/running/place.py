"""Where the program stands: the line of the user's file that led to this call, and the loops around it."""

from __future__ import annotations

import site
import sys
import sysconfig
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

HOUSE = str(Path(__file__).resolve().parents[2])
LIBRARIES = tuple(
    {HOUSE, sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"],
     *site.getsitepackages(), site.getusersitepackages()}
)  # fmt: skip


@dataclass(frozen=True)
class Turn:
    """One turn of a loop: which loop (its line and its entry), the turn from 0, how many were planned (0: unknown)."""

    line: int
    entry: int
    turn: int
    planned: int


@dataclass(frozen=True)
class Place:
    """A line of the user's code and the function it is in. loops: the turns around it, outermost first."""

    file: str
    line: int
    function: str
    loops: tuple[Turn, ...] = ()


@lru_cache(maxsize=4096)
def is_users(filename: str) -> bool:
    """Neither ours, nor the standard library's, nor an installed package's."""
    return not filename.startswith(LIBRARIES) and not filename.startswith("<frozen") and "site-packages" not in filename


_loops: list[Turn] = []


def loops() -> list[Turn]:
    """The stack of loops that the instrumented program is in."""
    return _loops


def here() -> Place:
    """The innermost line of the user's code."""
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if is_users(code.co_filename):
            return Place(code.co_filename, frame.f_lineno, code.co_name, tuple(_loops))
        frame = frame.f_back  # type: ignore[assignment]
    return Place("", 0, "", tuple(_loops))
