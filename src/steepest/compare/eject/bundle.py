"""Functions and classes as code that stands alone: our decorators and annotations off, all that they use with them."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from steepest.core.errors import Unsupported
from steepest.core.item import Item

ROOT = __name__.partition(".")[0]
IGNORED = re.compile(r"[ \t]*#[ \t]*type:[ \t]*ignore.*$", re.MULTILINE)
Edit = tuple[int, int, str]
Key = tuple[str, str]


class Bundle:
    """Collects definitions in the order in which they must stand, and the imports that they need.

    homes: the modules of the user's model and loss; their definitions and those of modules in their folders are taken over
    as ours are, all others are imported.
    instead: "module.name" of a definition -> that of another one which takes its place.
    taken: names that the script uses itself.
    """

    def __init__(
        self, homes: Sequence[str] = (), instead: Mapping[str, Key] | None = None, taken: tuple[str, ...] = ()
    ) -> None:
        self.homes, self.instead = tuple(homes), dict(instead or {})
        self.imports: dict[str, None] = {}
        self.texts: dict[Key, str] = {}
        self._names: dict[Key, str] = {}
        self._taken = {*taken, *dir(builtins)}
        self._modules: dict[str, dict[str, ast.stmt]] = {}

    def add(self, thing: Any) -> str:
        """Take over a function, class or item; returns its name in the script."""
        fn = thing.fn if isinstance(thing, Item) else thing
        if not (inspect.isfunction(fn) or inspect.isclass(fn)):
            raise _cannot(
                type(fn).__name__, "an object was given, whose arguments nobody knows", "Wrap it in a function."
            )
        if "." in fn.__qualname__:
            raise _cannot(fn.__qualname__, "it is defined inside something else", "Define it at the top of its file.")
        return self.add_name(fn.__module__, fn.__name__)

    def add_name(self, module: str, name: str) -> str:
        """Take over what a module calls by this name, and what that uses."""
        module, name = self.instead.get(f"{module}.{name}", self.instead.get(module + ".*", (module, name)))
        key = (module, name)
        if key in self._names:
            return self._names[key]
        statement = self._statements(module).get(name)
        if statement is None:
            raise _cannot(f"{module}.{name}", "its source is not to be found", "Define it in a file, at the top level.")
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            return self._imported(module, statement, name)
        self._names[key] = own = self._free(name, module)
        self.texts[key] = ""  # what it uses may use it
        text = self._text(module, statement, name, own)
        del self.texts[key]
        self.texts[key] = text
        return own

    def text(self) -> str:
        """All definitions, each after what it uses."""
        short = [(text.rstrip(), not text.lstrip().startswith(("def ", "class ", "@"))) for text in self.texts.values()]
        out, was_line = "", True
        for text, is_line in short:
            out += ("" if not out else "\n" if is_line and was_line else "\n\n\n") + text
            was_line = is_line
        return out

    # -- one definition ----------------------------------------------------------------------------------------------

    def _text(self, module: str, statement: ast.stmt, name: str, own: str) -> str:
        source = _source(module)
        lines = source.encode().splitlines(keepends=True)
        starts = [0]
        for line in lines:
            starts.append(starts[-1] + len(line))

        def place(line: int, column: int) -> int:
            return starts[line - 1] + column

        found = getattr(sys.modules[module], name, None)
        decorators = getattr(statement, "decorator_list", [])
        first = statement.lineno if isinstance(found, Item) or not decorators else decorators[0].lineno
        begin, end = place(first, 0), place(statement.end_lineno or 0, statement.end_col_offset or 0)
        skipped = set(map(id, decorators)) if isinstance(found, Item) else set()
        comment = re.match(rb"[ \t]*#[^\n]*", source.encode()[end:])
        end += comment.end() if comment else 0
        edits = list(self._edits(module, statement, skipped, place))
        text = source.encode()
        for start, stop, new in sorted(edits, reverse=True):
            text = text[:start] + new.encode() + text[stop:]
            end += len(new.encode()) - (stop - start)
        cut = IGNORED.sub("", text[begin:end].decode())
        pattern = rf"(?m)^(def |class |){re.escape(name)}\b"
        return cut if own == name else re.sub(pattern, lambda m: m[1] + own, cut, count=1)

    def _edits(
        self, module: str, statement: ast.stmt, skipped: set[int], place: Callable[[int, int], int]
    ) -> Iterator[Edit]:
        """What changes in the text: foreign annotations go, names that are called otherwise in the script change."""
        for node in _walk(statement, skipped):
            if isinstance(node, ast.arg) and node.annotation is not None and self._is_ours(module, node.annotation):
                end = _end(node.annotation, place)
                has_default = _source(module).encode()[end : end + 3] == b" = "
                start = place(node.lineno, node.col_offset) + len(node.arg.encode())
                yield start, end + 3 * has_default, "=" * has_default
            elif isinstance(node, ast.AnnAssign) and node.value and self._is_ours(module, node.annotation):
                yield _end(node.target, place), _end(node.annotation, place), ""
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns is not None:
                if self._is_ours(module, node.returns):
                    yield self._before_returns(module, node, place), _end(node.returns, place), ""
            elif isinstance(node, ast.Attribute) and node.attr == "fn" and isinstance(node.value, ast.Name):
                if isinstance(getattr(sys.modules[module], node.value.id, None), Item):
                    yield _end(node.value, place), _end(node, place), ""
        for name in _globals_used(statement, skipped):
            if name.id in self._statements(module) and name.id != getattr(statement, "name", None):
                own = self.add_name(module, name.id)
                if own != name.id:
                    yield place(name.lineno, name.col_offset), _end(name, place), own

    def _before_returns(self, module: str, node: Any, place: Callable[[int, int], int]) -> int:
        text = _source(module).encode()
        return text.rfind(b"->", 0, place(node.returns.lineno, node.returns.col_offset)) - 1

    def _is_ours(self, module: str, annotation: ast.expr) -> bool:
        """Whether an annotation needs names that the script has not; those of others are imported."""
        known = self._statements(module)
        used = [n.id for n in ast.walk(annotation) if isinstance(n, ast.Name) and n.id in known]
        foreign = [n for n in used if not isinstance(known[n], (ast.Import, ast.ImportFrom))]
        foreign += [n for n in used if n not in foreign and self._followed(module, known[n])]
        if not foreign:
            for name in used:
                self._imported(module, known[name], name)
        return bool(foreign)

    # -- modules -------------------------------------------------------------------------------------------------------

    def _statements(self, module: str) -> dict[str, ast.stmt]:
        """The statement that gives each name of a module its meaning."""
        if module not in self._modules:
            found: dict[str, ast.stmt] = {}
            for statement in ast.parse(_source(module)).body:
                for name in _bound_by(statement):
                    found[name] = statement
            self._modules[module] = found
        return self._modules[module]

    def _followed(self, module: str, statement: ast.stmt) -> bool:
        return isinstance(statement, ast.ImportFrom) and self._is_inline(_from(module, statement))

    def _is_inline(self, module: str) -> bool:
        return (
            module == ROOT or module.startswith(ROOT + ".") or any(_are_neighbours(home, module) for home in self.homes)
        )

    def _imported(self, module: str, statement: Any, name: str) -> str:
        """An import: of ours the definition is taken over, others stay imports."""
        alias = next(a for a in statement.names if (a.asname or a.name.partition(".")[0]) == name)
        if isinstance(statement, ast.ImportFrom):
            origin = _from(module, statement)
            if self._is_inline(origin):
                return self.add_name(origin, alias.name)
            if origin != "__future__":
                self.imports[f"from {origin} import {alias.name}{_as(alias)}"] = None
        elif self._is_inline(alias.name):
            raise _cannot(module, f"it imports {alias.name} whole", f"Write `from {alias.name} import ...` there.")
        else:
            self.imports[f"import {alias.name}{_as(alias)}"] = None
        return name

    def _free(self, name: str, module: str) -> str:
        """The name, or where the script has it already the name with its module before it."""
        own = name if name not in self._taken else f"{module.rpartition('.')[2]}_{name.lstrip('_')}"
        while own in self._taken:
            own += "_"
        self._taken.add(own)
        return own


def _as(alias: ast.alias) -> str:
    return f" as {alias.asname}" if alias.asname else ""


def _source(module: str) -> str:
    try:
        return inspect.getsource(importlib.import_module(module) if module not in sys.modules else sys.modules[module])
    except (OSError, TypeError, ImportError) as error:
        raise _cannot(module, "its source is not to be found", "Put it into a file.") from error


def _cannot(what: str, seen: str, repair: str) -> Unsupported:
    return Unsupported(where=what, seen=seen, needed="source code that stands alone was needed", repair=repair)


def _from(module: str, statement: ast.ImportFrom) -> str:
    """The full name of the module that `from ... import` names."""
    if not statement.level:
        return statement.module or ""
    package = module if hasattr(sys.modules[module], "__path__") else module.rpartition(".")[0]
    for _ in range(statement.level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{statement.module}" if statement.module else package


def _bound_by(statement: ast.stmt) -> Iterator[str]:
    """The names that a top-level statement binds."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield statement.name
    elif isinstance(statement, (ast.Import, ast.ImportFrom)):
        yield from (a.asname or a.name.partition(".")[0] for a in statement.names)
    elif not _is_type_checking(statement):
        yield from (n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))


def _is_type_checking(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.dump(statement.test)


def _end(node: Any, place: Callable[[int, int], int]) -> int:
    return place(node.end_lineno, node.end_col_offset)


def _walk(node: ast.AST, skipped: set[int]) -> Iterator[ast.AST]:
    if id(node) not in skipped:
        yield node
        for child in ast.iter_child_nodes(node):
            yield from _walk(child, skipped)


def _globals_used(statement: ast.AST, skipped: set[int]) -> list[ast.Name]:
    """The names that a definition reads and does not bind itself; those of annotations are not read."""
    found: list[ast.Name] = []

    def visit(node: ast.AST, local: frozenset[str]) -> None:
        if id(node) in skipped or node is None:
            return
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load) and node.id not in local:
                found.append(node)
            return
        inside = local
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            inside = local | _bound_inside(node)
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            targets = [n for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)]
            inside = local | {n.id for n in targets}
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    visit(child, inside)

    visit(statement, frozenset())
    return found


def _bound_inside(function: Any) -> set[str]:
    """Arguments, and what the body assigns, nested functions' own names left out."""
    args = function.args
    named = [*args.posonlyargs, *args.args, *args.kwonlyargs, *filter(None, (args.vararg, args.kwarg))]
    found = {a.arg for a in named}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node is not function:
            found.add(node.name)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
    return found


def _are_neighbours(home: str, module: str) -> bool:
    """The same module, or one in the same folder."""
    files = [getattr(sys.modules.get(name), "__file__", None) for name in (home, module)]
    folders = [Path(file).resolve().parent for file in files if file]
    return module == home or (len(folders) == 2 and folders[0] == folders[1])
