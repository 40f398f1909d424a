"""Plain numbers that remember the tensor they were read from, so that a sum of `.item()`s can still be followed."""

from __future__ import annotations

from typing import Any

from .graph import Op

ARITHMETIC = ("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "floordiv", "mod", "pow")


class SeenFloat(float):
    """A float that came from `op`."""

    op: Op


class SeenInt(int):
    """An int that came from `op`."""

    op: Op


def seen(value: Any, op: Op) -> Any:
    """The same number, with its origin; anything else as it is."""
    if type(value) is float or type(value) is SeenFloat:
        number: Any = SeenFloat(value)
    elif type(value) is int or type(value) is SeenInt:
        number = SeenInt(value)
    else:
        return value
    number.op = op
    return number


def source_of(value: Any) -> Op | None:
    """The call that a number was read from."""
    return value.op if isinstance(value, (SeenFloat, SeenInt)) else None


def _following(plain: type, name: str) -> Any:
    method = getattr(plain, f"__{name}__")

    def arithmetic(self: Any, other: Any, *more: Any) -> Any:
        result = method(self, other, *more)
        return result if result is NotImplemented else seen(result, self.op)

    return arithmetic


for _plain, _seen in ((float, SeenFloat), (int, SeenInt)):
    for _name in ARITHMETIC:
        setattr(_seen, f"__{_name}__", _following(_plain, _name))
    setattr(_seen, "__reduce__", lambda self, plain=_plain: (plain, (plain(self),)))
