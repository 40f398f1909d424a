"""(N, 1) against (N,): outputs of models with one unit and what they are compared with, as the text shows them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .models import last_of
from .names import called
from .shapes import axes

if TYPE_CHECKING:
    from .source import Source

Found = Iterator[tuple[int, str]]
FLATTENED = frozenset({"squeeze", "flatten", "ravel"})
ALIKE = frozenset(
    "sigmoid relu tanh float long int round exp softplus clamp abs logsigmoid detach cpu to double numpy".split()
)
"""Calls that keep the shape."""


def kind(source: Source, node: ast.expr | None, depth: int = 0) -> str:
    """ "column" for an output (N, 1), "flat" for an output (N,), both of a model with one unit, "plane" for (N, 1, H, W).

    Empty where it is not sure.
    """
    if node is None or depth > 12:
        return ""
    before = source.bindings.value(node)
    if before is not None:
        return kind(source, before, depth + 1)
    if isinstance(node, ast.Compare):
        return kind(source, node.left, depth + 1)
    if isinstance(node, ast.Subscript):
        inner = kind(source, node.value, depth + 1)
        return "flat" if inner == "column" and ast.unparse(node.slice) in ("(slice(None), 0)", ":, 0", "(:, 0)") else ""
    if not isinstance(node, ast.Call):
        return ""
    word = called(node)
    inside = node.func.value if isinstance(node.func, ast.Attribute) and not _is_torch(source, node.func.value) else node.args[0] if node.args else None  # fmt: skip
    if word in FLATTENED or (word in ("view", "reshape") and [ast.unparse(a) for a in node.args] == ["-1"]):
        return "flat" if kind(source, inside, depth + 1) == "column" else ""
    if word in ALIKE and source.bindings.built(node.func) is None:
        return kind(source, inside, depth + 1)
    returned = source.bindings.returned(node)
    if returned is not None:
        return kind(source, returned, depth + 1)
    made = source.models.built(node.func)
    return _of_model(source, made, node, depth) if made is not None else ""


def _is_torch(source: Source, node: ast.expr) -> bool:
    return source.names.dotted(node).split(".")[0] == "torch"


def _of_model(source: Source, made: ast.Call, call: ast.Call, depth: int) -> str:
    word = called(made)
    if source.names.dotted(made.func).startswith("torch.nn."):
        if word == "Sequential":
            last = last_of(made)
            while isinstance(last, ast.Call) and called(last) in ("Sigmoid", "ReLU", "Tanh", "Softplus", "Identity"):
                k = made.args.index(last) if last in made.args else 0
                last = made.args[k - 1] if k else None
            inner = source.models.built(last) if last is not None else None
            return _of_model(source, inner, call, depth + 1) if inner is not None and depth < 12 else ""
        if word in ("Conv2d", "ConvTranspose2d") and _width(source, made) == "1":
            return "plane"
        given = axes(source, call.args[0]) if call.args else None
        return "column" if word == "Linear" and _width(source, made) == "1" and given in (None, 2) else ""
    returns = source.models.returns_of(word)
    return kind(source, returns[0], depth + 1) if len(returns) == 1 else ""


def _width(source: Source, linear: ast.Call) -> str:
    given = next(
        (k.value for k in linear.keywords if k.arg in ("out_features", "out_channels")),
        linear.args[1] if len(linear.args) > 1 else None,
    )
    made = source.bindings.made(given)
    return ast.unparse(made) if made is not None else ""


def is_column(source: Source, node: ast.expr | None, depth: int = 0) -> bool:
    """Surely (N, 1), and no output of a model."""
    if node is None or depth > 12:
        return False
    before = source.bindings.value(node)
    if before is not None:
        return is_column(source, before, depth + 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return is_column(source, node.right, depth + 1)
    if isinstance(node, (ast.Compare, ast.BinOp)):
        sides = [node.left, node.comparators[0] if isinstance(node, ast.Compare) else node.right]
        return any(is_column(source, s, depth + 1) for s in sides) and all(
            is_column(source, s, depth + 1) or axes(source, s) == 0 for s in sides
        )
    if isinstance(node, ast.Subscript):
        parts = [ast.unparse(e) for e in node.slice.elts] if isinstance(node.slice, ast.Tuple) else []
        if len(parts) == 2 and axes(source, node.value) == 2 and parts[0] == ":":
            low, _, high = parts[1].partition(":")
            return ":" in parts[1] and (high == "1" and low in ("", "0") or low == "-1" and not high)
        return isinstance(node.slice, (ast.Slice, ast.Name)) and is_column(source, node.value, depth + 1)
    if not isinstance(node, ast.Call):
        return False
    word, last = called(node), ast.unparse(node.args[-1]) if node.args else ""
    inside = node.func.value if isinstance(node.func, ast.Attribute) and not _is_torch(source, node.func.value) else node.args[0] if node.args else None  # fmt: skip
    if word == "unsqueeze" and last in ("1", "-1"):
        return axes(source, inside) == 1
    if word in ("view", "reshape"):
        return [ast.unparse(a) for a in node.args] == ["-1", "1"]
    if word in ("randn", "rand", "zeros", "ones"):
        return len(node.args) == 2 and last == "1"
    if word in ALIKE or word in ("tensor", "from_numpy", "astype"):
        return is_column(source, inside, depth + 1)
    return False


def column_against_row(source: Source) -> Found:
    """(N, 1) beside (N,) in a square loss of torch, or where one is subtracted from the other."""
    told = set()
    for left, right, line in _pairs(source):
        seen = _mismatch(source, left, right)
        if seen and line not in told:
            told.add(line)
            yield line, seen


def compared_with_row(source: Source) -> Found:
    """(N, 1) == (N,): the thresholded output of a model with one unit against a flat target."""
    for node in source.nodes:
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
            seen = _mismatch(source, node.left, node.comparators[0])
            if seen:
                yield node.lineno, seen


def _mismatch(source: Source, left: ast.expr, right: ast.expr) -> str:
    for output, target in ((left, right), (right, left)):
        found = kind(source, output)
        if found == "column" and axes(source, target) == 1 and not kind(source, target):
            return f"{ast.unparse(output)[:40]} has the shape (N, 1), and {ast.unparse(target)[:30]} has (N,)"
        if found == "plane" and axes(source, target) == 3 and not kind(source, target):
            return (
                f"{ast.unparse(output)[:40]} has the shape (N, 1, H, W), and {ast.unparse(target)[:30]} has (N, H, W)"
            )
        if found == "flat" and is_column(source, target):
            return f"{ast.unparse(output)[:40]} has the shape (N,), and {ast.unparse(target)[:30]} has (N, 1)"
    return ""


def _pairs(source: Source) -> Iterator[tuple[ast.expr, ast.expr, int]]:
    """(prediction, target, line) of square losses, and of all differences."""
    for site in source.models.losses():
        output, target = site.argument(0, "input"), site.argument(1, "target")
        if site.kind in ("mse", "l1") and output is not None and target is not None:
            yield output, target, site.call.lineno
    for node in source.nodes:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
            yield node.left, node.right, node.lineno
