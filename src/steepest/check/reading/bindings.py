"""What an expression stands for: names are followed through functions, methods, constructors, loops and loaders to what made them."""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections.abc import Iterator

from . import items
from .names import FunctionNode, called
from .program import Program

Function = ast.FunctionDef | ast.AsyncFunctionDef
MOST_STEPS = 30
COPIES = {"deepcopy", "copy", "to", "cuda", "cpu", "double", "float", "half", "train", "eval", "compile", "DataParallel", "prepare",
          "clone", "requires_grad_", "share_memory", "bfloat16", "type", "DistributedDataParallel", "script"}  # fmt: skip
"""Calls that hand on what they are given, for models."""
TAKERS = {"deepcopy", "copy", "compile", "prepare", "script", "DataParallel", "DistributedDataParallel"}
"""Those of them that are given it as an argument."""


def part(value: ast.expr, k: int) -> ast.expr:
    """The k-th element of what an expression gives."""
    return ast.copy_location(ast.Subscript(value, ast.copy_location(ast.Constant(k), value), ast.Load()), value)


class Bindings:
    """Where names and attributes of one program come from."""

    def __init__(self, source: Program) -> None:
        self.source, self.names = source, source.names
        self.busy: set[int] = set()
        self.functions: list[Function] = [n for n in source.nodes if isinstance(n, FunctionNode)]
        self.owner: dict[int, ast.ClassDef] = {
            id(f): c for c in source.names.classes.values() for f in c.body if isinstance(f, FunctionNode)
        }
        self.scope: dict[int, Function | None] = {}
        self._mark(source.tree, None)
        self.bound: dict[int, dict[str, list[tuple[tuple[int, int], ast.expr]]]] = {}
        self.attributes: dict[str, dict[str, list[ast.expr]]] = {}
        self._collect()
        self.arguments: dict[tuple[int, str], ast.expr | None] = {}
        self.calls: dict[str, list[ast.Call]] = {}
        for n in source.nodes:
            if isinstance(n, ast.Call):
                self.calls.setdefault(called(n), []).append(n)

    def _mark(self, node: ast.AST, function: Function | None) -> None:
        """Which function each node stands in."""
        stack: list[tuple[ast.AST, Function | None]] = [(node, function)]
        while stack:
            at, inside = stack.pop()
            self.scope[id(at)] = inside
            below = at if isinstance(at, FunctionNode) else inside
            stack += [(child, below) for child in ast.iter_child_nodes(at)]

    def _collect(self) -> None:
        for n in self.source.nodes:
            if isinstance(n, ast.Assign):
                for target in n.targets:
                    self._bind(target, n.value, n)
            elif isinstance(n, ast.AnnAssign) and n.value is not None:
                self._bind(n.target, n.value, n)
            elif isinstance(n, ast.NamedExpr):
                self._bind(n.target, n.value, n)
            elif isinstance(n, (ast.For, ast.AsyncFor)):
                self._bind(n.target, items.item(n.iter), n.iter)
            elif isinstance(n, (ast.ListComp, ast.GeneratorExp, ast.SetComp)):
                for generator in n.generators:
                    self._bind(generator.target, items.item(generator.iter), generator.iter, at_start=n)
        for by_name in self.bound.values():
            for found in by_name.values():
                found.sort(key=lambda f: f[0])

    def _bind(
        self, target: ast.expr, value: ast.expr, at: ast.expr | ast.stmt, at_start: ast.expr | None = None
    ) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            whole = isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts)
            for k, t in enumerate(target.elts):
                if not isinstance(t, ast.Starred):
                    self._bind(t, value.elts[k] if whole else part(value, k), at, at_start)  # type: ignore[attr-defined]
            return
        if isinstance(target, ast.Name):
            place = (
                (at.end_lineno or 0, at.end_col_offset or 0)
                if at_start is None
                else (at_start.lineno, at_start.col_offset)
            )  # type: ignore[attr-defined]
            scope = self.scope.get(id(at_start or at))
            self.bound.setdefault(id(scope), {}).setdefault(target.id, []).append((place, value))
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
            cls = self.class_of(at)
            if cls is not None:
                self.attributes.setdefault(cls.name, {}).setdefault(target.attr, []).append(value)

    # -- scopes ----------------------------------------------------------------------------------------------------

    def function_of(self, node: ast.AST) -> Function | None:
        """The innermost function around a node; for nodes made here, by their line."""
        if id(node) in self.scope:
            return self.scope[id(node)]
        line = getattr(node, "lineno", 0)
        around = [f for f in self.functions if f.lineno <= line <= (f.end_lineno or 0)]
        return max(around, key=lambda f: f.lineno, default=None)

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        """The class whose method is around a node."""
        function = self.function_of(node)
        while function is not None:
            if id(function) in self.owner:
                return self.owner[id(function)]
            function = self.scope.get(id(function))
        return None

    # -- one step back ---------------------------------------------------------------------------------------------

    def value(self, node: ast.expr) -> ast.expr | None:
        """What a name, an attribute or an element was made from, one step back; None where that is not sure."""
        if id(node) in self.busy:
            return None
        self.busy.add(id(node))
        try:
            return self._value(node)
        finally:
            self.busy.discard(id(node))

    def _value(self, node: ast.expr) -> ast.expr | None:
        if isinstance(node, ast.Name):
            return self.of_name(node.id, node)
        if isinstance(node, ast.Attribute):
            return self._of_attribute(node)
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Constant)
            and isinstance(node.slice.value, (int, str))
        ):
            return items.element(self, node.value, node.slice.value)
        if isinstance(node, ast.Call) and items.is_item(node):
            return items.of_loop(self, node.args[0])
        return None

    def of_name(self, name: str, node: ast.AST) -> ast.expr | None:
        """What a name stands for at a node: its last binding before, an argument of the callers, or a global."""
        scope = self.function_of(node)
        here = (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))
        while scope is not None:
            found = self.bound.get(id(scope), {}).get(name, [])
            before = bisect_left([place for place, _ in found], here)
            if before:
                return found[before - 1][1]
            if name in _parameters(scope):
                return self._argument(scope, name)
            if found:
                return None
            scope = self.scope.get(id(scope))
            here = (10**9, 0)
        found = self.bound.get(id(None), {}).get(name, [])
        if self.function_of(node) is None:
            before = bisect_left([place for place, _ in found], here)
            return found[before - 1][1] if before else None
        return found[-1][1] if found else None

    def _argument(self, function: Function, name: str) -> ast.expr | None:
        """What a parameter is given where the function is called, when all its callers give the same."""
        key = (id(function), name)
        if key not in self.arguments:
            self.arguments[key] = None  # while it is looked for: a function that calls itself ends here
            given = list(self._given(function, name))
            if given and len({ast.unparse(g) for g in given}) == 1:
                self.arguments[key] = given[0]
        return self.arguments[key]

    def _given(self, function: Function, name: str) -> Iterator[ast.expr]:
        cls = self.owner.get(id(function))
        names = _parameters(function)
        if cls is not None and names[:1] in (["self"], ["cls"]):
            names = names[1:]
        if name not in names:
            return
        word = cls.name if cls is not None and function.name == "__init__" else function.name
        for call in self._calls_of(word, cls):
            yield from _given_in(call, names.index(name), name, function)

    def _calls_of(self, word: str, cls: ast.ClassDef | None) -> list[ast.Call]:
        if word not in ("forward", "__call__") or cls is None:
            return self.calls.get(word, [])
        found = []
        for calls in self.calls.values():
            found += [c for c in calls if c.args and self._builds(c.func, cls)]
        return found

    def _builds(self, func: ast.expr, cls: ast.ClassDef) -> bool:
        """An instance of the class is called."""
        if isinstance(func, ast.Name) and (func.id == cls.name or func.id in self.names.functions):
            return False
        made = self.built(func)
        return made is not None and called(made) == cls.name

    def _of_attribute(self, node: ast.Attribute) -> ast.expr | None:
        cls: ast.ClassDef | None = None
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            cls = self.class_of(node)
        elif isinstance(node.value, ast.Name):
            made = self.built(node.value)
            cls = self.names.classes.get(called(made)) if made is not None else None
        for _ in range(4):
            if cls is None:
                break
            values = self.attributes.get(cls.name, {}).get(node.attr, [])
            whole = [v for v in values if not (isinstance(v, ast.Constant) and v.value is None)]
            if whole:
                return whole[0] if len({ast.unparse(v) for v in whole}) == 1 else None
            base = cls.bases[0] if cls.bases else None
            cls = self.names.classes.get(base.id) if isinstance(base, ast.Name) else None
        found = self.names.bound.get(ast.unparse(node), [])
        return found[0] if len(found) == 1 else None

    # -- all the way -----------------------------------------------------------------------------------------------

    def made(self, node: ast.expr | None) -> ast.expr | None:
        """The expression behind names, attributes and elements: the last that can be told."""
        for _ in range(MOST_STEPS):
            before = self.value(node) if node is not None else None
            if before is None or before is node:
                break
            node = before
        return node

    def built(self, module: ast.expr) -> ast.Call | None:
        """The call that built a module: of model = Net(...).to(device), handed through functions or not, it is Net(...)."""
        at: ast.expr | None = module
        for _ in range(MOST_STEPS):
            if isinstance(at, ast.Name) and at.id == "self":
                cls = self.class_of(at)
                return (
                    ast.copy_location(ast.Call(ast.Name(cls.name, ast.Load()), [], []), at) if cls is not None else None
                )
            before = self.value(at) if at is not None else None
            if before is None and isinstance(at, ast.Name):
                before = self._only_model(at)
            if before is not None:
                at = before
                continue
            if not isinstance(at, ast.Call):
                return None
            if called(at) in COPIES:
                at = _copied(at)
                continue
            returned = self.returned(at)
            if returned is None:
                return at
            at = returned
        return None

    def _only_model(self, node: ast.Name) -> ast.expr | None:
        """For a parameter of a function that the program does not call: its only model, which others hand in."""
        scope = self.function_of(node)
        if scope is None or node.id not in _parameters(scope) or scope.name in ("forward", "__init__"):
            return None
        if self.calls.get(scope.name) or not any(isinstance(n, ast.Call) and n.func is node for n in ast.walk(scope)):
            return None
        outside = self.bound.get(id(None), {})
        models = {name: found[-1][1] for name, found in outside.items() if self.names.is_module(found[-1][1])}
        weighty = {n: v for n, v in models.items() if isinstance(v, ast.Call) and not called(v).endswith("Loss")}
        return (
            next(iter(weighty.values()))
            if len(weighty) == 1 and "loss" not in node.id and "crit" not in node.id
            else None
        )

    def returned(self, call: ast.Call) -> ast.expr | None:
        """What a function of the program gives back, when it has one return."""
        function = self.names.functions.get(called(call)) if isinstance(call.func, ast.Name) else None
        if (
            isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id == "self"
        ):
            cls = self.class_of(call)
            function = (
                next((f for f in cls.body if isinstance(f, FunctionNode) and f.name == call.func.attr), None)
                if cls
                else None
            )
        if function is None:
            return None
        found = [
            n
            for n in ast.walk(function)
            if isinstance(n, ast.Return) and n.value is not None and self.scope.get(id(n)) is function
        ]
        return found[0].value if len(found) == 1 else None


def _copied(call: ast.Call) -> ast.expr | None:
    """What deepcopy(model), model.to(device) and accelerator.prepare(model) hand on."""
    if isinstance(call.func, ast.Attribute) and called(call) not in TAKERS:
        return call.func.value
    return call.args[0] if call.args else None


def _parameters(function: Function) -> list[str]:
    a = function.args
    return [p.arg for p in (*a.posonlyargs, *a.args, *a.kwonlyargs)]


def _given_in(call: ast.Call, position: int, name: str, function: Function) -> Iterator[ast.expr]:
    """The argument of one call, or the default."""
    by_name = next((k.value for k in call.keywords if k.arg == name), None)
    if by_name is not None:
        yield by_name
    elif len(call.args) > position and not any(isinstance(a, ast.Starred) for a in call.args[: position + 1]):
        yield call.args[position]
