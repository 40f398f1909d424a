"""Typing stubs for the catalogues, so that editors and type checkers see every item that is found only at run time.

`steepest.losses.huber` exists because a file lies in a folder; nothing names it in a source that a type checker reads. At every
build this script parses the item files (it imports nothing of ours, nor torch) and writes an `__init__.pyi` beside the
`__init__.py` of each catalogue: one class per item with its whole signature and its docs, and its class form (`losses.Huber`).
The stubs are built, never tracked: adding an item stays one file.

    python tools/stubs.py [folder of the package]
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

HEAD = """# Written by tools/stubs.py at every build; changes here are lost.
# An item takes its own keywords where its kind takes any, which checkers of these files themselves would frown at.
# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false
"""
Function = ast.FunctionDef | ast.AsyncFunctionDef


# -- reading sources -------------------------------------------------------------------------------------------------------


@dataclass
class Module:
    """A parsed source file: its dotted name and where each name that it uses comes from."""

    name: str
    tree: ast.Module
    is_package: bool
    origins: dict[str, tuple[str, str]] = field(default_factory=dict)

    @staticmethod
    def read(path: Path, source: Path) -> Module:
        parts = list(path.relative_to(source.parent).with_suffix("").parts)
        is_package = parts[-1] == "__init__"
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        module = Module(".".join(parts[:-1] if is_package else parts), tree, is_package)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                start = module.absolute(node)
                module.origins.update({a.asname or a.name: (start, a.name) for a in node.names})
            elif isinstance(node, ast.Import):
                module.origins.update({a.asname or a.name.split(".")[0]: (a.name, "") for a in node.names})
        for node in tree.body:
            module.origins.update({name: (module.name, name) for name in _defined(node)})
        return module

    def absolute(self, node: ast.ImportFrom) -> str:
        """The dotted module of a `from ... import`, relative ones resolved."""
        if not node.level:
            return node.module or ""
        above = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
        above = above[: len(above) - (node.level - 1)]
        return ".".join(above + ([node.module] if node.module else []))


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [t.id for t in node.targets if isinstance(t, ast.Name)]
    return [node.target.id] if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) else []


@dataclass(frozen=True)
class Class:
    """A class and the module that it was read from."""

    module: Module
    node: ast.ClassDef

    def method(self, name: str) -> Function | None:
        return next((n for n in self.node.body if isinstance(n, Function) and n.name == name), None)


@dataclass(frozen=True)
class Catalogue:
    """A package that called `Catalogue.of(__name__, kind=..., folders=..., class_of=...)`."""

    package: Module
    folder: Path
    kind: str
    folders: tuple[str, ...]
    class_of: str


@dataclass(frozen=True)
class ItemSource:
    """A function that a kind's decorator turns into an item."""

    module: Module
    fn: Function
    class_name: str
    decorator: str

    @property
    def doc(self) -> str:
        """The file's docstring where that is the item's own or the function's begins with shapes, then the function's."""
        told = ast.get_docstring(self.fn)
        tells_purpose = self.module.name.rpartition(".")[2] == self.fn.name or "->" in (told or "").split("\n\n")[0]
        texts = [ast.get_docstring(self.module.tree) if tells_purpose else None, told]
        return "\n\n".join(t for t in texts if t)

    @property
    def hyper(self) -> list[Parameter]:
        """What a caller may say; what the contract gives (t, norm, ...) is annotated Any and has no default."""
        named = zip(self.fn.args.kwonlyargs, self.fn.args.kw_defaults)
        is_given = {a.arg for a in self.fn.args.kwonlyargs if a.annotation and ast.unparse(a.annotation) == "Any"}
        return [Parameter(a, d, self.module) for a, d in named if d is not None or a.arg not in is_given]


@dataclass(frozen=True)
class Parameter:
    """A keyword-only argument, with the module in which its annotation has a meaning."""

    arg: ast.arg
    default: ast.expr | None
    module: Module


def catalogues(source: Path) -> Iterator[Catalogue]:
    for path in sorted(source.rglob("__init__.py")):
        module = Module.read(path, source)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Catalogue.of":
                words = {k.arg: k.value for k in node.keywords}
                folders = ast.literal_eval(words["folders"]) if "folders" in words else ("",)
                class_of = ast.unparse(words["class_of"]) if "class_of" in words else ""
                yield Catalogue(module, path.parent, ast.literal_eval(words["kind"]), folders, class_of)


def items(catalogue: Catalogue, source: Path, decorators: Iterable[str]) -> Iterator[ItemSource]:
    for folder in catalogue.folders:
        for path in sorted((catalogue.folder / folder).glob("*.py")):
            if path.name != "__init__.py":
                module = Module.read(path, source)
                for node in module.tree.body:
                    for decorator in node.decorator_list if isinstance(node, Function) else ():
                        name = ast.unparse(decorator.func).split(".")[-1] if isinstance(decorator, ast.Call) else ""
                        if isinstance(decorator, ast.Call) and name in decorators:
                            yield ItemSource(module, node, _class_name(node.name, decorator), name)


def _class_name(name: str, decorator: ast.Call) -> str:
    given = next((k.value for k in decorator.keywords if k.arg == "class_name"), None)
    return ast.literal_eval(given) if given is not None else "".join(word.capitalize() for word in name.split("_"))


def module_of(name: str, source: Path) -> Module:
    """The module of a dotted name."""
    path = source.parent.joinpath(*name.split("."))
    return Module.read(path / "__init__.py" if path.is_dir() else path.with_suffix(".py"), source)


def classes_of_kind(kind: str, source: Path) -> dict[str, Class]:
    """The classes in core that say `kind = "..."`, by the names of their decorators."""
    found: dict[str, Class] = {}
    for path in sorted((source / "core").glob("*.py")):
        module = Module.read(path, source)
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) and any(ast.unparse(n) == f"kind = {kind!r}" for n in node.body):
                found[node.name.lower()] = Class(module, node)
    if kind not in found:
        raise LookupError(f"no class in core declares kind = {kind!r}")
    return found


# -- signatures ------------------------------------------------------------------------------------------------------------


def keywords(cls: Class, method: str, item: ItemSource) -> tuple[list[Parameter], str]:
    """The keyword-only arguments of a method for one item, and the name of a `**` argument that stays open ("" if none does).

    `**hyper` becomes the item's hyperparameters; a `**` that is handed on to another method of self becomes that one's arguments.
    """
    node = cls.method(method)
    assert node is not None, f"{cls.node.name} has no method {method}"
    found = [Parameter(a, d, cls.module) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults)]
    rest = node.args.kwarg.arg if node.args.kwarg else ""
    if rest == "hyper":  # beside `options` stand what the item's tally takes, by any name
        more, rest = item.hyper, "words" if any(p.arg.arg == "options" for p in found) else ""
    elif onward := _handed_to(cls, node, rest):
        more, rest = keywords(cls, onward, item)
    else:
        return found, rest
    return [p for p in more if p.arg.arg not in {f.arg.arg for f in found}] + found, rest


def _handed_to(cls: Class, node: Function, rest: str) -> str:
    """The method m of the class in a call `self.m(..., **rest)` inside the function."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "self":
            if cls.method(call.func.attr) and any(k.arg is None and ast.unparse(k.value) == rest for k in call.keywords):
                return call.func.attr
    return ""


class Writer:
    """Collects the text of one stub and the imports that its annotations need."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.imports: dict[str, tuple[str, str]] = {}
        self.lines: list[str] = []

    def name(self, origin: tuple[str, str]) -> str:
        """The name by which the stub knows a thing of another module."""
        word = origin[1] or origin[0].split(".")[0]
        if word in self.taken or self.imports.get(word, origin) != origin:
            word = "_" + ".".join(p for p in origin if p).replace(".", "_")
        self.imports[word] = origin
        return word

    def expression(self, node: ast.expr, module: Module) -> str:
        """An annotation, with its names imported."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node = ast.parse(node.value, mode="eval").body
        node = ast.parse(ast.unparse(node), mode="eval").body  # a copy to rename in
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id in module.origins:
                part.id = self.name(module.origins[part.id])
        return ast.unparse(node)

    def parameter(self, arg: ast.arg, default: ast.expr | None, module: Module) -> str:
        text = arg.arg + (f": {self.expression(arg.annotation, module)}" if arg.annotation else "")
        return text if default is None else f"{text} = {_plain(default)}"

    def signature(self, node: Function, module: Module, more: list[Parameter], rest: str) -> str:
        """The head of a method with the given keyword-only arguments and, where it stays open, its `**` argument."""
        positional = node.args.posonlyargs + node.args.args
        defaults = [None] * (len(positional) - len(node.args.defaults)) + list(node.args.defaults)
        words = [self.parameter(a, d, module) for a, d in zip(positional, defaults)]
        words += ["*"] if more and node.args.vararg is None else []
        words += [self.parameter(p.arg, p.default, p.module) for p in more]
        words += [f"**{rest}: {self.name(('typing', 'Any'))}"] if rest else []
        result = self.expression(node.returns, module) if node.returns else self.name(("typing", "Any"))
        return f"({', '.join(words)}) -> {result}"

    def function(self, name: str, signature: str, doc: str, indent: str = "    ") -> None:
        self.lines.append(f"{indent}def {name}{signature}:{'' if doc else ' ...'}")
        self.doc(doc, indent + "    ")

    def doc(self, text: str, indent: str) -> None:
        if text:
            quoted = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
            quoted += " " if quoted.endswith('"') else ""
            self.lines += [f'{indent}"""{quoted}"""'.replace("\n", f"\n{indent}").replace(f"\n{indent}\n", "\n\n")]

    def text(self) -> str:
        imports = [
            f"import {module}" + (f" as {word}" if word != module.split(".")[0] else "") if not name
            else f"from {module} import {name}" + (f" as {word}" if word != name else "")
            for word, (module, name) in sorted(self.imports.items(), key=lambda kv: kv[1])
        ]
        return HEAD + "\n".join(imports) + "\n\n" + "\n".join(self.lines) + "\n"


def _plain(default: ast.expr) -> str:
    try:
        ast.literal_eval(default)
    except ValueError:
        return "..."
    return ast.unparse(default)


# -- one stub --------------------------------------------------------------------------------------------------------------


def stub(catalogue: Catalogue, source: Path) -> str:
    """The text of a catalogue's `__init__.pyi`."""
    kinds = classes_of_kind(catalogue.kind, source)
    kind = kinds[catalogue.kind]
    found = list(items(catalogue, source, kinds))
    writer = Writer({name for each in found for name in (each.fn.name, each.class_name)})
    write_package(writer, catalogue.package)
    for item in found:
        write_item(writer, item, kinds[item.decorator])
    form = class_form(catalogue, kind, source)
    for item in found:
        if form and item.decorator == catalogue.kind:  # others have their class forms in the package's own file
            write_class_form(writer, item, kind, form)
    return writer.text()


def write_package(writer: Writer, package: Module) -> None:
    """What the package's `__init__` itself offers: a stub hides the file that it stands beside."""
    for node in package.tree.body:
        if isinstance(node, ast.ImportFrom):
            is_own = package.absolute(node).startswith(package.name + ".")
            for alias in node.names:
                if alias.asname == alias.name or (is_own and not (alias.asname or alias.name).startswith("_")):
                    writer.lines.append(f"from {package.absolute(node)} import {alias.name} as {alias.asname or alias.name}")
        elif isinstance(node, Function) and not node.name.startswith("_"):
            more = [Parameter(a, d, package) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults)]
            rest = node.args.kwarg.arg if node.args.kwarg else ""
            writer.function(node.name, writer.signature(node, package, more, rest), ast.get_docstring(node) or "", "")
    writer.function("names", "() -> list[str]", "All names, sorted.", "")


def write_item(writer: Writer, item: ItemSource, kind: Class) -> None:
    """`huber: _huber`, whose class carries the item's whole signature."""
    name = item.fn.name
    writer.lines.append(f"\nclass _{name}({writer.name((kind.module.name, kind.node.name))}):")
    writer.doc(item.doc, "    ")
    if kind.method("__call__") is None:
        rest = item.fn.args.kwarg.arg if item.fn.args.kwarg else ""
        more = [Parameter(a, d, item.module) for a, d in zip(item.fn.args.kwonlyargs, item.fn.args.kw_defaults)]
        writer.function("__call__", "(self, " + writer.signature(item.fn, item.module, more, rest)[1:], item.doc)
    for method in (n for n in kind.node.body if isinstance(n, Function)):
        public = method.name == "__call__" or not method.name.startswith("_")
        if public and method.args.kwarg and method.name != "__init__":
            more, rest = keywords(kind, method.name, item)
            if rest != method.args.kwarg.arg:
                doc = item.doc if method.name == "__call__" else ast.get_docstring(method) or ""
                writer.function(method.name, writer.signature(method, kind.module, more, rest), doc)
    writer.lines.append(f"{name}: _{name}")


def class_form(catalogue: Catalogue, kind: Class, source: Path) -> Class | None:
    """The class X that `module_class` of the kind, or the catalogue's `class_of`, promises: `-> type[X]`."""
    module, maker = kind.module, kind.method("module_class")
    if catalogue.class_of:
        place, name = catalogue.package.origins[catalogue.class_of]
        module = module_of(place, source)
        maker = next(n for n in module.tree.body if isinstance(n, Function) and n.name == name)
    if maker is None or not isinstance(maker.returns, ast.Subscript):
        return None
    place, name = module.origins[ast.unparse(maker.returns.slice)]
    module = module_of(place, source)
    return Class(module, next(n for n in module.tree.body if isinstance(n, ast.ClassDef) and n.name == name))


def write_class_form(writer: Writer, item: ItemSource, kind: Class, form: Class) -> None:
    """`Huber(LossModule)`: its `**hyper` are the item's hyperparameters, any other `**` is all that the item takes by keyword."""
    writer.lines.append(f"\nclass {item.class_name}({writer.name((form.module.name, form.node.name))}):")
    writer.doc(item.doc, "    ")
    for method in (n for n in form.node.body if isinstance(n, Function)):
        if method.args.kwarg and (method.name == "__init__" or not method.name.startswith("_")):
            same = method.name if kind.method(method.name) and method.name != "__init__" else "__call__"
            more, rest = (item.hyper, "") if method.args.kwarg.arg == "hyper" else keywords(kind, same, item)
            own = [Parameter(a, d, form.module) for a, d in zip(method.args.kwonlyargs, method.args.kw_defaults)]
            taken = {a.arg for a in method.args.args + method.args.kwonlyargs}
            more = [p for p in more if p.arg.arg not in taken] + own
            signature = writer.signature(method, form.module, more, rest)
            for name in ("forward", "__call__") if method.name == "forward" else (method.name,):
                writer.function(name, signature, ast.get_docstring(method) or "")


# -- all stubs -------------------------------------------------------------------------------------------------------------


def stubs(source: Path) -> dict[Path, str]:
    """The file and the text of every stub of the package in the folder `source`."""
    return {each.folder / "__init__.pyi": stub(each, source) for each in catalogues(source)}


def write(source: Path) -> list[Path]:
    """Bring the stubs up to date: write those that changed, remove those whose catalogue is gone."""
    wanted = stubs(source)
    for path, text in wanted.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            temporary = path.with_name(f".{path.name}.{os.getpid()}")
            temporary.write_text(text, encoding="utf-8")
            os.replace(temporary, path)  # in one step: a type checker may be reading
    for path in set(source.rglob("__init__.pyi")) - set(wanted):
        if path.read_text(encoding="utf-8").startswith(HEAD):
            path.unlink()
    return sorted(wanted)


if __name__ == "__main__":
    here = Path(__file__).resolve().parent.parent / "src" / "steepest"
    for written in write(Path(sys.argv[1]) if len(sys.argv) > 1 else here):
        print(written)
