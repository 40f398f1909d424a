"""What the names of a program stand for: imports, classes of models, what a name was bound to."""

from __future__ import annotations

import ast
from collections.abc import Iterator

FunctionNode = (ast.FunctionDef, ast.AsyncFunctionDef)
SHORT = {"nn": "torch.nn", "F": "torch.nn.functional", "torch": "torch", "optim": "torch.optim", "np": "numpy"}


def called(node: ast.Call) -> str:
    """The last word of what is called: CrossEntropyLoss of torch.nn.CrossEntropyLoss(...)."""
    func = node.func
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def spelled(node: ast.AST) -> str:
    return ast.unparse(node)


def stored(node: ast.AST) -> Iterator[str]:
    """The names that an assignment binds, tuples taken apart; attributes and items as they are spelled."""
    if isinstance(node, (ast.Tuple, ast.List)):
        for part in node.elts:
            yield from stored(part)
    elif isinstance(node, ast.Starred):
        yield from stored(node.value)
    elif isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
        yield ast.unparse(node)


def pairs_of(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """(name, what it is bound to): a, b = x, y is two bindings; of a, b = f() both names are bound to f()."""
    whole = (
        isinstance(target, (ast.Tuple, ast.List))
        and isinstance(value, (ast.Tuple, ast.List))
        and len(target.elts) == len(value.elts)
    )
    if whole:
        for t, v in zip(target.elts, value.elts):  # type: ignore[attr-defined]
            yield from pairs_of(t, v)
    else:
        yield from ((name, value) for name in stored(target))


class Names:
    """Imports, classes and bindings of a program, without regard to order."""

    def __init__(self, tree: ast.Module) -> None:
        self.imports: dict[str, str] = {}
        self.bound: dict[str, list[ast.expr]] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        self.functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
        for node in ast.walk(tree):
            self._note(node)

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for a in node.names:
                self.imports[a.asname or a.name.split(".")[0]] = a.name if a.asname else a.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            for a in node.names:
                self.imports[a.asname or a.name] = f"{node.module or ''}.{a.name}"
        elif isinstance(node, ast.ClassDef):
            self.classes[node.name] = node
        elif isinstance(node, FunctionNode):
            self.functions.setdefault(node.name, node)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                for name, value in pairs_of(target, node.value):
                    self.bound.setdefault(name, []).append(value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self.bound.setdefault(ast.unparse(node.target), []).append(node.value)

    def dotted(self, node: ast.AST) -> str:
        """torch.nn.functional.softmax of F.softmax; empty for what is no dotted name."""
        if isinstance(node, ast.Name):
            return self.imports.get(node.id, SHORT.get(node.id, node.id))
        if isinstance(node, ast.Attribute):
            before = self.dotted(node.value)
            return f"{before}.{node.attr}" if before else ""
        return ""

    def value_of(self, node: ast.expr) -> ast.expr:
        """What a name was bound to when it was bound once; else the node itself."""
        for _ in range(5):
            if not isinstance(node, (ast.Name, ast.Attribute)):
                break
            found = self.bound.get(ast.unparse(node), [])
            if len(found) != 1:
                break
            node = found[0]
        return node

    def is_module_class(self, name: str) -> bool:
        """A class of the program that derives from nn.Module."""
        cls = self.classes.get(name)
        return cls is not None and any(
            self.dotted(b).endswith(("nn.Module", "LightningModule", ".Module", "nn.Sequential"))
            or (isinstance(b, ast.Name) and b.id != name and self.is_module_class(b.id))
            for b in cls.bases
        )

    def is_module(self, node: ast.expr) -> bool:
        """Surely a module: built from nn.X(...) or from a class of the program that is one."""
        value = self.value_of(node)
        if not isinstance(value, ast.Call):
            return False
        dotted = self.dotted(value.func)
        return (
            dotted.startswith("torch.nn.") and dotted.rpartition(".")[2][:1].isupper() and "Parameter" not in dotted
        ) or (isinstance(value.func, ast.Name) and self.is_module_class(value.func.id))

    def forwards(self) -> Iterator[ast.FunctionDef]:
        """The forward methods of the program's modules."""
        for name, cls in self.classes.items():
            if self.is_module_class(name):
                yield from (f for f in cls.body if isinstance(f, ast.FunctionDef) and f.name == "forward")
