"""The house has floors: imports go down only, no cycle, siblings are strangers; imports inside functions count.

Nothing is imported here: the sources are parsed, so a forbidden import is found even where no test runs it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = "steepest"
SOURCE = Path(__file__).resolve().parent.parent / "src" / PACKAGE

FLOORS = {
    "core": 0,
    "losses": 1, "optim": 1, "metrics": 1, "data": 1, "models": 1, "results": 1, "kernels": 1,
    "report": 2, "explain": 2, "check": 2,
    "fit": 3,
    "compare": 4, "estimators": 4, "evaluate": 4,
    "nn": 5, "lr_range": 5,
    "cli": 6,
    "__init__": 7, "__main__": 7,
}
# Rooms that may use less than their floor allows: the report redraws a page years later, without the model's code,
# and a check knows a loss by its name.
ONLY = {"report": {"core", "results"}}
NEVER = {"check": {"losses"}}


@dataclass(frozen=True)
class Import:
    """`importer` (a module's dotted name) imports `imported` at a line of a file."""

    importer: str
    imported: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.importer} imports {self.imported}"


def modules_of(source: Path) -> dict[str, Path]:
    """Dotted name -> file of every module of the package in the folder `source`."""
    found = {}
    for path in sorted(source.rglob("*.py")):
        parts = list(path.relative_to(source.parent).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(source: Path) -> list[Import]:
    """Every import of our own modules, wherever it stands: top, function, class, `if TYPE_CHECKING`, importlib."""
    modules = modules_of(source)
    found = []
    for name, path in modules.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
            for target in _targets(node, package):
                known = _nearest_module(target, modules)
                if known is not None and known != name:
                    found.append(Import(name, known, path.relative_to(source.parent).as_posix(), node.lineno))
    return found


def _targets(node: ast.AST, package: str) -> Iterator[str]:
    """The dotted names that a node imports; for `from a import b` it is a.b, which may be a module or a name in a."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        start = node.module or ""
        if node.level:
            above = package.split(".")[: len(package.split(".")) - (node.level - 1)]
            start = ".".join(above + ([node.module] if node.module else []))
        yield from (f"{start}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and _called_name(node.func) in ("import_module", "__import__"):
        first = node.args[0] if node.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value if not first.value.startswith(".") else package + first.value


def _called_name(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def _nearest_module(target: str, modules: dict[str, Path]) -> str | None:
    """The module itself, or the one that holds the name; None for a module that is not ours."""
    while target:
        if target in modules:
            return target
        target = target.rpartition(".")[0]
    return None


def room_of(module: str) -> str:
    """The folder or file right under the package: `steepest.core.errors` lives in `core`, the face in `__init__`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def broken_walls(source: Path) -> list[str]:
    """Each import that goes up, sideways, or where its room may not look; and each room without a floor."""
    found = [f"{room_of(m)}: a room without a floor; enter it in FLOORS" for m in modules_of(source) if room_of(m) not in FLOORS]
    for each in imports_of(source):
        here, there = room_of(each.importer), room_of(each.imported)
        if here == there or here not in FLOORS or there not in FLOORS:
            continue
        if FLOORS[there] > FLOORS[here]:
            found.append(f"{each}: upward, from floor {FLOORS[here]} to {FLOORS[there]}")
        elif FLOORS[there] == FLOORS[here] and not (here == "__main__" or there == "__main__"):
            found.append(f"{each}: sideways, siblings on floor {FLOORS[here]} are strangers")
        elif here in ONLY and there not in ONLY[here]:
            found.append(f"{each}: {here} imports {' and '.join(sorted(ONLY[here]))} only")
        elif there in NEVER.get(here, ()):
            found.append(f"{each}: {here} never imports {there}")
    return found


def cycles(source: Path) -> list[str]:
    """Each module that reaches itself by following imports, with one way round."""
    graph: dict[str, set[str]] = {}
    for each in imports_of(source):
        graph.setdefault(each.importer, set()).add(each.imported)
    found, known = [], set()
    for start in sorted(graph):
        way = _way_back(start, graph)
        if way and frozenset(way) not in known:
            known.add(frozenset(way))
            found.append(" -> ".join(way))
    return found


def _way_back(start: str, graph: dict[str, set[str]]) -> list[str]:
    """The shortest path from start to start, or nothing."""
    paths, seen = [[start]], set()
    while paths:
        path = paths.pop(0)
        for following in sorted(graph.get(path[-1], ())):
            if following == start:
                return [*path, start]
            if following not in seen:
                seen.add(following)
                paths.append([*path, following])
    return []


# -- the house -------------------------------------------------------------------------------------------------------------


def test_imports_go_down_only():
    assert broken_walls(SOURCE) == []


def test_no_module_imports_itself_round_a_corner():
    assert cycles(SOURCE) == []


def test_every_public_module_says_in_its_first_line_what_it_is_for():
    silent = []
    for name, path in modules_of(SOURCE).items():
        first = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").strip().split("\n")[0]
        if not first.endswith((".", ":", "?", ",")) and len(first) < 20:
            silent.append(name)
    assert silent == []


# -- the test itself, on made-up houses ------------------------------------------------------------------------------------


def house(folder: Path, files: dict[str, str]) -> Path:
    source = folder / PACKAGE
    for name, text in {"__init__.py": "", **files}.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return source


GOOD = {
    "core/__init__.py": "", "core/errors.py": "", "core/item.py": "from .errors import E",
    "losses/__init__.py": "from steepest.core import item", "losses/huber.py": "from ..core.item import Item",
    "results/records.py": "", "report/page.py": "from steepest.results import records\nimport steepest.core.errors, json",
    "compare/study.py": "from ..report import page\nfrom ..losses import huber",
    "cli/__init__.py": "def main():\n    from ..compare import study\n",
    "__main__.py": "from steepest.cli import main",
}


def test_a_sound_house_has_no_broken_wall(tmp_path):
    source = house(tmp_path, GOOD)
    assert broken_walls(source) == [] and cycles(source) == []
    assert len(imports_of(source)) == 9


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("core/errors.py", "import steepest.losses.huber", "upward"),
        ("core/errors.py", "from ..losses.huber import huber", "upward"),
        ("core/errors.py", "from .. import losses", "upward"),
        ("core/errors.py", "def f():\n    from steepest.losses import huber", "upward"),
        ("core/errors.py", "if TYPE_CHECKING:\n    from steepest.losses import huber", "upward"),
        ("core/errors.py", "importlib.import_module('steepest.losses')", "upward"),
        ("core/errors.py", "import steepest", "upward"),
        ("losses/huber.py", "from steepest.results import records", "sideways"),
        ("report/page.py", "from steepest.losses import huber", "report imports core and results only"),
        ("check/rule.py", "from steepest.losses import huber", "check never imports losses"),
        ("utils/text.py", "", "without a floor"),
    ],
)
def test_a_wrong_import_is_found_with_its_file_and_line(tmp_path, file, text, fault):
    found = broken_walls(house(tmp_path, {**GOOD, file: text}))
    assert len(found) == 1 and fault in found[0]
    assert "without a floor" in fault or f"{PACKAGE}/{file}:" in found[0]


@pytest.mark.parametrize("late", [False, True])
def test_a_cycle_is_found_even_when_one_half_hides_in_a_function(tmp_path, late):
    half = "def f():\n    from .item import Item" if late else "from .item import Item"
    assert cycles(house(tmp_path, {**GOOD, "core/errors.py": half})) == [
        "steepest.core.errors -> steepest.core.item -> steepest.core.errors"
    ]
