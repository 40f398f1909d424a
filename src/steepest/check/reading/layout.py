"""The order of axes as the text shows it: what view mixes up, and layers that read the batch as time."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .names import FunctionNode, called

if TYPE_CHECKING:
    from .source import Source

Found = Iterator[tuple[int, str]]
POOLED = re.compile(r"\.mean\((dim=|axis=)?1\)|\[:, (0|-1)(, :)?\]|\.max\((dim=)?1\)|\.sum\((dim=)?1\)")
SWAPS = r"permute|transpose|swapaxes|\.t\(\)|movedim|rearrange|einsum|\.mT|\.T\b"


def axes_mixed(source: Source) -> Found:
    """b, t, d = x.shape, and x (or a linear layer of it) is viewed with t and d, or a new axis and t, in another order."""
    for function in (n for n in source.nodes if isinstance(n, FunctionNode)):
        names = _unpacked(function)
        if len(names) < 3:
            continue
        for call in (n for n in ast.walk(function) if isinstance(n, ast.Call)):
            if (
                called(call) not in ("view", "reshape")
                or not isinstance(call.func, ast.Attribute)
                or len(call.args) < 3
            ):
                continue
            if re.search(SWAPS, ast.unparse(call.func.value)) or _was_swapped(source, call.func.value):
                continue
            sizes = [ast.unparse(a) for a in call.args]
            if _is_mixed(names, sizes) and _has_their_order(source, call.func.value, names):
                yield call.lineno, f"{call.func.attr}({', '.join(sizes)}) of what lies as ({', '.join(names)})"


def sizes_swapped(source: Source) -> Found:
    """x of (N, 7, 8) viewed as (N, 8, 7): the sizes that the text gives stand in another order."""
    for call in source.calls("view", "reshape"):
        if not isinstance(call.func, ast.Attribute) or len(call.args) < 3:
            continue
        new = [a.value if isinstance(a, ast.Constant) else None for a in call.args]
        old = _sizes(source, call.func.value)
        inner, outer = new[1:], old[1:]
        if None in inner or None in outer or len(inner) != len(outer) or inner == outer:
            continue
        if sorted(map(str, inner)) == sorted(map(str, outer)) and len([n for n in outer if n != 1]) > 1:
            yield call.lineno, f"{ast.unparse(call)[:50]} of what has the sizes (N, {', '.join(map(str, outer))})"


def _sizes(source: Source, node: ast.expr) -> list[object]:
    """The sizes that a tensor was made with, where they are plain numbers; a batch of it has its own first one."""
    made = source.bindings.made(node) or node
    while isinstance(made, ast.Subscript) and isinstance(made.slice, (ast.Slice, ast.Name)):
        made = source.bindings.made(made.value) or made.value
    if isinstance(made, ast.Call) and called(made) in ("randn", "rand", "zeros", "ones"):
        return [a.value if isinstance(a, ast.Constant) else None for a in made.args]
    return [None]


def _unpacked(function: ast.AST) -> list[str]:
    """The names of `b, t, d = x.shape`."""
    for n in ast.walk(function):
        if (
            isinstance(n, ast.Assign)
            and isinstance(n.targets[0], ast.Tuple)
            and re.search(r"\.shape$|\.size\(\)$", ast.unparse(n.value))
        ):
            names = [e.id for e in n.targets[0].elts if isinstance(e, ast.Name)]
            return names if len(names) == len(n.targets[0].elts) else []
    return []


def _is_mixed(names: list[str], sizes: list[str]) -> bool:
    """The new axes cut the old ones at other places."""
    batch, time, last = names[0], names[1], names[2:]
    if sizes[0] == batch and sizes[1] != time and time in sizes[2:]:
        return len(sizes) >= 3  # (b, h, t, d) or (b, d, t)
    heads = re.fullmatch(rf"{batch} \* ([\w.]+)|([\w.]+) \* {batch}", sizes[0])
    return bool(heads) and sizes[1] in (time, "-1") and heads[1] not in (time, *last) and heads[2] not in (time, *last)  # type: ignore[index]


def _was_swapped(source: Source, node: ast.expr) -> bool:
    made = source.bindings.made(node)
    return made is not None and re.search(SWAPS, ast.unparse(made)) is not None


def _has_their_order(source: Source, node: ast.expr, names: list[str]) -> bool:
    """The tensor itself, or what a linear layer makes of it: the last axis may have another size."""
    made = source.bindings.made(node) or node
    if isinstance(made, ast.Call) and called(made) == "chunk" and isinstance(made.func, ast.Attribute):
        made = source.bindings.made(made.func.value) or made.func.value
    if isinstance(made, ast.Name):
        return True
    built = source.models.built(made.func) if isinstance(made, ast.Call) else None
    return built is not None and called(built) == "Linear" and len(names) == 3


def time_for_batch(source: Source) -> Found:
    """A recurrent layer or an encoder without batch_first whose output is pooled over axis 1, or taken at [:, -1]."""
    for scope in _scopes(source):
        text = ast.unparse(ast.Module(scope, []))
        if re.search(SWAPS, text):
            continue
        for name, made in _layers(source, scope):
            if "batch_first" in ast.unparse(made):
                continue
            outs = [rf"{re.escape(name)}\([^=\n]*?\)", *(re.escape(o) for o in _outputs(scope, name))]
            if any(re.search(rf"(?<![\w.]){out}(\[0\])?({POOLED.pattern})", text) for out in outs):
                yield (
                    made.lineno,
                    f"{ast.unparse(made)[:50]} reads (time, batch, features), and its output is used as (batch, time, features)",
                )


def _scopes(source: Source) -> Iterator[list[ast.stmt]]:
    """The body of each model, and what stands outside of classes."""
    yield from (cls.body for name, cls in source.names.classes.items() if source.names.is_module_class(name))
    yield [s for s in source.tree.body if not isinstance(s, ast.ClassDef)]


def _layers(source: Source, scope: list[ast.stmt]) -> Iterator[tuple[str, ast.Call]]:
    for n in (n for s in scope for n in ast.walk(s)):
        if not isinstance(n, ast.Assign):
            continue
        pairs = [(n.targets[0], n.value)]
        if isinstance(n.targets[0], ast.Tuple) and isinstance(n.value, ast.Tuple):
            pairs = list(zip(n.targets[0].elts, n.value.elts))
        for target, value in pairs:
            if isinstance(value, ast.Call) and called(value) in (
                "LSTM",
                "GRU",
                "RNN",
                "TransformerEncoderLayer",
                "TransformerEncoder",
            ):
                inner = (
                    source.bindings.made(value.args[0])
                    if called(value) == "TransformerEncoder" and value.args
                    else value
                )
                if isinstance(inner, ast.Call) and "batch_first" not in ast.unparse(inner):
                    yield ast.unparse(target), value


def _outputs(scope: list[ast.stmt], layer: str) -> Iterator[str]:
    """The names that hold what a layer gives."""
    for n in (n for s in scope for n in ast.walk(s)):
        if isinstance(n, ast.Assign) and re.match(rf"{re.escape(layer)}\(", ast.unparse(n.value)):
            target = n.targets[0]
            first = target.elts[0] if isinstance(target, ast.Tuple) and target.elts else target
            yield ast.unparse(first)
