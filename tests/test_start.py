"""Starting is cheap and the face has no dangling name: facts about what gets imported, never a clock."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys

import pytest

import steepest


def modules_after(statement: str, root) -> set[str]:
    """The top-level modules that a fresh interpreter holds after a statement and did not hold before."""
    code = f"import sys\nbefore = set(sys.modules)\n{statement}\nprint(*{{m.split('.')[0] for m in set(sys.modules) - before}})"
    path = os.pathsep.join([str(root / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_import_steepest_loads_nothing_but_the_standard_library(root):
    assert modules_after("import steepest", root) - sys.stdlib_module_names == {"steepest"}


def test_the_errors_are_at_hand_without_torch(root):
    assert modules_after("from steepest import SteepestError", root) - sys.stdlib_module_names == {"steepest"}


def test_a_loss_loads_torch_but_no_table_chart_or_statistics(root):
    loaded = modules_after("from steepest import losses; losses.huber", root)
    assert "torch" in loaded
    assert not loaded & {"pandas", "sklearn", "scipy", "altair", "jinja2", "rich", "typer", "pyarrow"}


def test_the_command_line_says_its_help_without_torch(root):
    statement = "sys.argv = ['steepest', '--help']\nfrom steepest.cli import main\ntry: main()\nexcept SystemExit as end: assert not end.code"
    loaded = modules_after(statement, root)
    assert not loaded & {"torch", "numpy", "pandas", "sklearn", "scipy", "altair", "sympy"}


@pytest.mark.parametrize("name", steepest.__all__)
def test_every_name_of_the_face_is_there(name):
    assert getattr(steepest, name) is not None
    assert name in dir(steepest)


def test_an_unknown_name_is_refused_with_the_nearest_one():
    with pytest.raises(AttributeError, match="Did you mean 'losses'"):
        steepest.lossess  # noqa: B018


def test_type_checkers_see_the_same_names_as_programs(root):
    tree = ast.parse((root / "src/steepest/__init__.py").read_text(encoding="utf-8"))
    block = next(n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")
    seen = [alias.asname for node in block.body for alias in node.names]
    assert sorted([*seen, "__version__"]) == sorted(steepest.__all__)


def test_the_version_is_that_of_the_package(root):
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{steepest.__version__}"\n' in text


def test_compare_is_a_verb_and_a_package_at_once(root):
    import steepest.compare.study as study

    assert steepest.compare.study is study
    assert "budget" in inspect.signature(steepest.compare).parameters
    with pytest.raises(steepest.SteepestError):
        steepest.compare("mlp", "no_such_data_set")
