"""What a loop hands out: the arrays behind loaders, data sets, zip, enumerate, generators, and the elements of tuples."""

from __future__ import annotations

import ast
from typing import Protocol

from .names import FunctionNode, Names, called

ITEM = "an item of"
SUBSETS = {
    "Subset",
    "random_split",
    "ConcatDataset",
    "DataLoader",
    "prepare",
    "tqdm",
    "trange",
    "iter",
    "next",
    "list",
    "cycle",
    "islice",
}
SPLITS = {"train_test_split"}


class Bindings(Protocol):
    """Who follows names: see bindings.py."""

    names: Names

    def made(self, node: ast.expr | None) -> ast.expr | None: ...

    def returned(self, call: ast.Call) -> ast.expr | None: ...


def item(over: ast.expr) -> ast.expr:
    """What a loop over an expression hands out."""
    return ast.copy_location(ast.Call(ast.copy_location(ast.Name(ITEM, ast.Load()), over), [over], []), over)


def is_item(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == ITEM


def of_loop(bindings: Bindings, over: ast.expr) -> ast.expr | None:
    """One item of what is looped over. A batch of a loader counts as the arrays that it is drawn from."""
    over = bindings.made(over) or over
    if isinstance(over, (ast.ListComp, ast.GeneratorExp)):
        return over.elt
    if not isinstance(over, ast.Call):
        return None
    word = called(over)
    if word == "enumerate" and over.args:
        return _pair(ast.Constant(0), item(over.args[0]), over)
    if word == "zip":
        return ast.copy_location(ast.Tuple([item(a) for a in over.args], ast.Load()), over)
    if word in ("TensorDataset",):
        return ast.copy_location(ast.Tuple(list(over.args), ast.Load()), over)
    if word in ("split", "chunk", "batch") and isinstance(over.func, ast.Attribute):
        return over.func.value
    if word in SUBSETS and over.args:
        return of_loop(bindings, over.args[0])
    cls = bindings.names.classes.get(word)
    if cls is not None:
        return _of_dataset(cls)
    function = bindings.names.functions.get(word)
    yields = [n for n in ast.walk(function) if isinstance(n, ast.Yield)] if function is not None else []
    if len(yields) == 1:
        return yields[0].value
    returned = bindings.returned(over)
    return of_loop(bindings, returned) if returned is not None else None


def _pair(first: ast.expr, second: ast.expr, at: ast.expr) -> ast.expr:
    return ast.copy_location(ast.Tuple([ast.copy_location(first, at), second], ast.Load()), at)


def _of_dataset(cls: ast.ClassDef) -> ast.expr | None:
    """What __getitem__ gives back, with `self.y[index]` taken for self.y: a batch of it has that shape again."""
    function = next((f for f in cls.body if isinstance(f, FunctionNode) and f.name == "__getitem__"), None)
    if function is None or len(function.args.args) < 2:
        return None
    found = [n for n in ast.walk(function) if isinstance(n, ast.Return) and n.value is not None]
    if len(found) != 1:
        return None
    return _Batched(function, function.args.args[1].arg).visited(found[0].value)


class _Batched(ast.NodeTransformer):
    """x[index] becomes x, through the names that the method binds."""

    def __init__(self, function: ast.AST, index: str) -> None:
        self.index = index
        self.bound: dict[str, ast.expr] = {}
        for n in ast.walk(function):
            if isinstance(n, ast.Assign) and len(n.targets) == 1 and isinstance(n.targets[0], ast.Name):
                self.bound[n.targets[0].id] = n.value
        self.depth = 0

    def visited(self, node: ast.expr | None) -> ast.expr | None:
        return self.visit(_copied(node)) if node is not None else None

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.bound and self.depth < 6:
            self.depth += 1
            found: ast.expr = self.visit(_copied(self.bound[node.id]))
            self.depth -= 1
            return found
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.slice, ast.Name) and node.slice.id == self.index:
            return self.visit(node.value)  # type: ignore[no-any-return]
        return self.generic_visit(node)


def _copied(node: ast.expr) -> ast.expr:
    """A copy whose nodes stand where the originals stood."""
    fields = {}
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST) and isinstance(value, ast.expr):
            fields[name] = _copied(value)
        elif isinstance(value, list):
            fields[name] = [_copied(v) if isinstance(v, ast.expr) else v for v in value]  # type: ignore[assignment]
        else:
            fields[name] = value
    return ast.copy_location(type(node)(**fields), node)  # type: ignore[arg-type]


def element(bindings: Bindings, of: ast.expr, k: int | str) -> ast.expr | None:
    """The k-th part of a tuple, of what a function gives back, or of a split; what a dictionary holds under a name."""
    whole = bindings.made(of) or of
    if isinstance(whole, ast.Dict):
        return next(
            (v for key, v in zip(whole.keys, whole.values) if isinstance(key, ast.Constant) and key.value == k), None
        )
    if isinstance(k, str):
        returned = bindings.returned(whole) if isinstance(whole, ast.Call) else None
        return element(bindings, returned, k) if returned is not None else None
    if isinstance(whole, (ast.Tuple, ast.List)):
        return whole.elts[k] if -len(whole.elts) <= k < len(whole.elts) else None
    if isinstance(whole, (ast.GeneratorExp, ast.ListComp)):
        return whole.elt
    if not isinstance(whole, ast.Call):
        return None
    word = called(whole)
    if word in SPLITS and 0 <= k < 2 * len(whole.args):
        return whole.args[k // 2]
    if word == "random_split" and whole.args:
        return whole.args[0]
    if word in ("prepare",) and 0 <= k < len(whole.args):
        return whole.args[k]
    if word in ("next",) and whole.args:
        inner = whole.args[0]
        drawn = of_loop(
            bindings, inner.args[0] if isinstance(inner, ast.Call) and called(inner) == "iter" and inner.args else inner
        )
        return element(bindings, drawn, k) if drawn is not None else None
    returned = bindings.returned(whole)
    if returned is not None:
        return element(bindings, returned, k)
    return None
