"""The loss as a graph, as the text shows it: made anew of numbers, cut off from the model, kept too long."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .names import called, stored

if TYPE_CHECKING:
    from .source import Source

Found = Iterator[tuple[int, str]]


def made_anew(source: Source) -> Found:
    """torch.tensor(..., requires_grad=True), requires_grad_() or Variable on what backward is called on."""
    roots = {s.name for s in source.flow.of("backward")}
    for node in source.nodes:
        if isinstance(node, ast.Assign):
            names, text = {n for t in node.targets for n in stored(t)}, ast.unparse(node.value)
            fresh = re.match(
                r"(torch\.tensor|Variable|(torch\.)?autograd\.Variable|torch\.FloatTensor|torch\.Tensor|torch\.as_tensor)\(",
                text,
            ) and re.search(r"loss|item|\.data|output|pred|numpy|mse|error|\w\(", text[8:])
            if names & roots and fresh and "requires_grad" in text:
                yield node.lineno, f"{sorted(names & roots)[0]} becomes a new tensor: {text[:60]}"
            elif names & roots and re.search(r"\.requires_grad_\((True)?\)$", text) and "rand" not in text:
                yield node.lineno, f"requires_grad_() is called on the loss: it had no history ({text[:50]})"
            if any(
                ast.unparse(t).endswith(".requires_grad") and ast.unparse(t)[: -len(".requires_grad")] in roots
                for t in node.targets
            ):
                yield node.lineno, "requires_grad is set on the loss itself: it had no history"
        elif isinstance(node, ast.Call) and called(node) == "requires_grad_" and isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value)
            value = source.models.last_value(owner, node) if owner.isidentifier() else None
            if owner in roots and not (value is not None and "rand" in ast.unparse(value)):
                yield node.lineno, f"requires_grad_() is called on {owner}, the loss: it had no history"


def cut_off(source: Source) -> Found:
    """The loss is computed from .detach(), .data, argmax or numpy of the output."""
    roots = {s.name for s in source.flow.of("backward")}
    for site in source.models.losses():
        output = site.argument(0, "input")
        if output is None or not _is_root(source, site.call, roots):
            continue
        text = ast.unparse(output)
        value = source.models.last_value(text, site.call) if text.isidentifier() else output
        spelled = ast.unparse(value) if value is not None else text
        if re.search(
            r"\.(argmax|detach|data|item|numpy|round)\b(?!\[)|torch\.(argmax|round)\(|\.max\([^)]*\)\[1\]", spelled
        ) and not re.search(r"fake|\bD\(|disc|critic|teacher|target", spelled):
            if re.match(
                r".*\.(argmax|detach|data|item|numpy|round)(\([^()]*\))?(\.float\(\)|\.to\([^()]*\))*$", spelled
            ) or spelled.startswith(("torch.argmax", "torch.round")):
                yield site.call.lineno, f"the loss is computed from {spelled[:60]}: no gradient comes through"


def _is_root(source: Source, call: ast.Call, roots: set[str]) -> bool:
    """The result of a call is what backward is called on."""
    for node in source.nodes:
        if isinstance(node, ast.Assign) and (node.value is call or any(n is call for n in ast.walk(node.value))):
            return bool({n for t in node.targets for n in stored(t)} & roots)
    return False


def plain_terms(source: Source) -> Found:
    """loss = a + b.item(): the second term is a plain number."""
    roots = {s.name for s in source.flow.of("backward")}
    for node in source.nodes:
        if (
            isinstance(node, ast.Assign)
            and {n for t in node.targets for n in stored(t)} & roots
            and isinstance(node.value, ast.BinOp)
        ):
            for term in _addends(node.value):
                if re.search(r"\.(item\(\)|detach\(\))$", ast.unparse(_without_factor(term))):
                    yield node.lineno, f"the term {ast.unparse(term)[:50]} is a plain number for the gradient"


def _addends(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        yield from _addends(node.left)
        yield from _addends(node.right)
    else:
        yield node


def _without_factor(node: ast.expr) -> ast.expr:
    return node.right if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) else node


def sums_keep_graphs(source: Source) -> Found:
    """total += loss in the loop where loss.backward() is called, without item or detach."""
    for _, steps in source.flow.training_loops():
        backward = next(s for s in steps if s.kind == "backward")
        if not backward.name.isidentifier() or len(source.flow.of("backward")) > 1:
            continue
        quiet = {
            id(n)
            for w in ast.walk(backward.loops[-1])
            if isinstance(w, ast.With) and "no_grad" in " ".join(ast.unparse(i) for i in w.items)
            for n in ast.walk(w)
        }
        for node in (n for n in ast.walk(backward.loops[-1]) if id(n) not in quiet):
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.BinOp)
                and isinstance(node.value.op, ast.Add)
                and ast.unparse(node.value.left) == ast.unparse(node.targets[0]) != backward.name
                and ast.unparse(node.value.right) == backward.name
                and not re.search(rf"{re.escape(ast.unparse(node.targets[0]))}\.backward", source.text)
            ):
                yield node.lineno, f"{ast.unparse(node)} keeps the graph of every batch"
            if (
                isinstance(node, ast.AugAssign)
                and isinstance(node.op, ast.Add)
                and re.fullmatch(
                    rf"{backward.name}( \* (len\(\w+\)|\w+\.size\(0\)|\w+\.shape\[0\]))?", ast.unparse(node.value)
                )
            ):
                if ast.unparse(node.target) != backward.name and not re.search(
                    rf"{re.escape(ast.unparse(node.target))}\.backward", source.text
                ):
                    yield node.lineno, f"{ast.unparse(node)} keeps the graph of every batch"
            elif (
                isinstance(node, ast.Call)
                and called(node) == "append"
                and node.args
                and ast.unparse(node.args[0]) == backward.name
            ):
                yield node.lineno, f"{ast.unparse(node)} keeps the graph of every batch"
