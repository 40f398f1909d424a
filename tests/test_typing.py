"""Editors and type checkers see every item, though items are found only at run time: the built stubs say what is there."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
import shutil
import subprocess
import sys

import pytest

from tools import stubs

# "R: text" is what reveal_type must say on that line, "E: code" the error that mypy must report there; no other line may have one.
USER_FILE = """
import torch
import steepest as st
from steepest import losses, metrics, nn, optim
from steepest.losses import focal

x, y, labels = torch.zeros(3, 2), torch.ones(3, 2), torch.tensor([0, 1, 1])
net = torch.nn.Linear(2, 2)
reveal_type(losses.huber(x, y, delta=2.0))  # R: Tensor
losses.huber(x, y, delta=torch.ones(4, 1), weight=y, mask=x > 0, reduction="none")
reveal_type(st.losses.cross_entropy.parts(x, labels, label_smoothing=0.1))  # R: tuple[
reveal_type(focal(x, labels, gamma=1.5))  # R: Tensor
criterion = losses.Focal(gamma=3.0, class_weight=torch.ones(2))
reveal_type(criterion)  # R: Focal
reveal_type(criterion(x, labels))  # R: Tensor
module: torch.nn.Module = criterion
optimizer = optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-2)
torch_optimizer: torch.optim.Optimizer = optimizer
reveal_type(metrics.accuracy(x, labels))  # R: Tensor
results = st.compare("mlp", "digits", losses=["cross_entropy", "focal"], optimizers=["adamw"], budget="60s")
reveal_type(results.verdict.sentence)  # R: str
reveal_type(losses.names())  # R: list[
reveal_type(nn.MSELoss(weight=[1.0, 2.0]))  # R: steepest.nn
reveal_type(nn.Linear(2, 2))  # R: torch.nn

losses.hubber(x, y)  # E: attr-defined
losses.huber(x, y, detla=2.0)  # E: call-arg
losses.huber(x, y, delta="much")  # E: arg-type
losses.huber(x, y, reduction="men")  # E: arg-type
losses.Focal(gama=2.0)  # E: call-arg
nn.MSELoss(wieght=x)  # E: call-arg
optim.AdamW(net.parameters(), learning=1e-3)  # E: call-arg
optim.AdamWW(net.parameters())  # E: attr-defined
st.compare("mlp", "digits", loss=["mse"])  # E: call-arg
st.comparison("mlp", "digits")  # E: attr-defined
""".lstrip()


@pytest.fixture(scope="module")
def source(root):
    """The package, with its stubs brought up to date as a build does."""
    stubs.write(root / "src" / "steepest")
    return root / "src" / "steepest"


def notes_of_mypy(file, root):
    """line -> what mypy says about it. The cache is kept between runs: reading torch anew takes 10 s."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--no-error-summary", "--no-color-output",
         "--config-file=", "--cache-dir", str(root / ".mypy_cache"), file.name],
        cwd=file.parent, env={**os.environ, "MYPYPATH": str(root / "src")}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stdout + done.stderr
    said: dict[int, list[str]] = {}
    for line, level, text in re.findall(rf"^{file.name}:(\d+): (error|note): (.*)$", done.stdout, re.MULTILINE):
        if level == "error" or text.startswith("Revealed"):
            said.setdefault(int(line), []).append(text)
    return said


def test_mypy_knows_every_item_and_reports_each_mistake_on_its_line(source, root, tmp_path):
    file = tmp_path / "user.py"
    file.write_text(USER_FILE, encoding="utf-8")
    said = notes_of_mypy(file, root)
    for number, line in enumerate(USER_FILE.splitlines(), start=1):
        expected = re.search(r"# ([RE]): (\S+)", line)
        heard = " ".join(said.get(number, []))
        if expected is None:
            assert heard == "", line
        elif expected[1] == "R":
            assert expected[2] in heard and "Any" not in heard, (line, heard)
        else:
            assert f"[{expected[2]}]" in heard, (line, heard)


@pytest.mark.parametrize("catalogue", ["losses", "losses.weightings", "optim", "optim.schedules", "optim.transforms", "metrics", "data", "models"])
def test_a_stub_names_exactly_the_items_that_run_time_finds(source, catalogue):
    tree = ast.parse((source / catalogue.replace(".", "/") / "__init__.pyi").read_text(encoding="utf-8"))
    typed = {n.target.id: ast.unparse(n.annotation) for n in tree.body if isinstance(n, ast.AnnAssign)}
    found = importlib.import_module(f"steepest.{catalogue}")
    ours = [name for name in found.names() if found[name].__module__.startswith("steepest.")]
    assert ours == sorted(typed)
    classes = {n.name: n for n in tree.body if isinstance(n, ast.ClassDef)}
    for name in ours:
        call = next(n for n in classes[typed[name]].body if isinstance(n, ast.FunctionDef) and n.name == "__call__")
        taken = {a.arg for a in (*call.args.args, *call.args.kwonlyargs)}
        assert set(found[name].hyper) <= taken, name
        assert inspect.cleandoc(ast.get_docstring(call) or "").startswith(found[name].purpose[:20]), name
    for name in (n for n in classes if not n.startswith("_")):
        assert isinstance(getattr(found, name), type), f"{catalogue}.{name} is in the stub only"


def test_one_new_file_brings_its_item_into_the_stub(source, tmp_path):
    copy = tmp_path / "steepest"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__", "*.pyi"))
    assert (copy / "losses" / "__init__.pyi") in stubs.write(copy)
    before = (copy / "losses" / "__init__.pyi").read_text(encoding="utf-8")
    text = (copy / "losses" / "huber.py").read_text(encoding="utf-8").replace("def huber(", "def my_huber(")
    (copy / "losses" / "my_huber.py").write_text(text, encoding="utf-8")
    stubs.write(copy)
    after = (copy / "losses" / "__init__.pyi").read_text(encoding="utf-8")
    assert "my_huber: _my_huber" in after and "class MyHuber(LossModule):" in after
    assert "my_huber" not in before and set(before.splitlines()) <= set(after.splitlines())


def test_a_stub_without_its_catalogue_goes_and_one_written_by_hand_stays(tmp_path):
    package = tmp_path / "steepest"
    for name, text in {"old": stubs.HEAD, "hand": "x: int\n"}.items():
        (package / name).mkdir(parents=True)
        (package / name / "__init__.pyi").write_text(text, encoding="utf-8")
    (package / "core").mkdir()
    assert stubs.write(package) == []
    assert not (package / "old" / "__init__.pyi").exists() and (package / "hand" / "__init__.pyi").exists()
