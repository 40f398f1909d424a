"""One chosen item with its options, and the words that choose it: "focal(gamma=1|2|5)"."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from steepest.core.calls import plain_value
from steepest.core.domains import check_value
from steepest.core.errors import UsageError, did_you_mean
from steepest.core.item import Item
from steepest.core.loss import OPTIONS
from steepest.core.transform import Use

LEARNED = "learned"
"""The factor of a summand that each trial learns."""


@dataclass(frozen=True)
class Choice:
    """One item with its options, and the text that chooses it again. factor, is_learned, beside: of a sum of losses."""

    item: Item
    options: dict[str, Any] = field(default_factory=dict)
    transforms: tuple[Use, ...] = ()
    factor: float = 1.0
    is_learned: bool = False
    beside: tuple[Choice, ...] = ()

    @property
    def text(self) -> str:
        own = call_text(self.item.name, self.options)
        own = f"{LEARNED}*{own}" if self.is_learned else own if self.factor == 1 else f"{self.factor:g}*{own}"
        return " + ".join([own, *(use.text for use in self.transforms), *(other.text for other in self.beside)])


def call_text(name: str, options: dict[str, Any]) -> str:
    return name + ("(" + ", ".join(f"{k}={_plain(v)}" for k, v in sorted(options.items())) + ")" if options else "")


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)


def split_list(text: str) -> list[str]:
    """Split at commas outside brackets: "focal(gamma=1, label_smoothing=0.1), mse" -> 2 parts."""
    parts, depth, start = [], 0, 0
    for i, letter in enumerate(text + ","):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    return [p for p in [*parts, text[start:].strip()] if p]


def read_axes(text: str) -> tuple[str, dict[str, list[Any]]]:
    """ "focal(gamma=1|2)" -> ("focal", {"gamma": [1, 2]})."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        if isinstance(tree, ast.Name):
            return tree.id, {}
        if (
            isinstance(tree, ast.Call)
            and isinstance(tree.func, ast.Name)
            and not tree.args
            and all(k.arg for k in tree.keywords)
        ):
            return tree.func.id, {str(k.arg): list(alternatives(k.value)) for k in tree.keywords}
    except (SyntaxError, ValueError):
        pass
    raise UsageError(
        where="compare",
        seen=f"{text!r} cannot be read",
        needed="name or name(option=value, option=value|value) was needed",
        repair='For example "focal(gamma=1|2|5)" or "sgd(momentum=0.9)".',
    )


def alternatives(node: ast.expr) -> Iterator[Any]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from alternatives(node.left)
        yield from alternatives(node.right)
    else:
        yield plain_value(node)


def checked(item: Item, options: dict[str, Any], extra: Sequence[str]) -> Choice:
    for name, value in options.items():
        if name in item.hyper:
            check_value(item.name, name, value, item.hyper[name].domain)
        elif name not in extra:
            known = list(dict.fromkeys([*item.hyper, *extra]))
            meant = "Did you mean 'lr'?" if name == "learning_rate" and "lr" in known else did_you_mean(name, known)
            belongs = " It belongs to the call, not to an arm." if name in OPTIONS else ""
            raise UsageError(
                where=item.name,
                seen=f"option {name!r}",
                needed=f"one of {', '.join(known)} was needed",
                repair=meant + belongs,
            )
    return Choice(item, options)


def each(axes: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Every combination of the values of some options."""
    for values in itertools.product(*axes.values()):
        yield dict(zip(axes, values))
