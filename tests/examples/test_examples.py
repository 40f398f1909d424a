"""The studies under examples/ run, and docs/experiments.md says what they found."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

VERDICTS = Path(__file__).resolve().parents[2] / "examples" / "verdicts"
EXAMPLES = sorted(path.stem for path in VERDICTS.glob("*.json"))


def loaded(root, name: str) -> ModuleType:
    """A file of examples/ as a module; its neighbours are importable meanwhile."""
    folder = str(root / "examples")
    sys.path.insert(0, folder)
    try:
        spec = importlib.util.spec_from_file_location(f"example_{name}", root / "examples" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
        for neighbour in ("study", "nets"):
            sys.modules.pop(neighbour, None)
    return module


def verdict(root, name: str) -> dict:
    return json.loads((root / "examples" / "verdicts" / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_of_experiments_says_what_the_study_found(root, name):
    writer = loaded(root, "write_verdicts")
    page = (root / "docs" / "experiments.md").read_text("utf-8")
    assert writer.with_block(page, name, writer.rendered(verdict(root, name))) == page


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_verdict_is_that_of_the_example_as_it_stands(root, name):
    study, told = loaded(root, name).STUDY, verdict(root, name)
    for word in ("losses", "optimizers", "baseline", "epochs", "budget"):
        assert told["asked"][word] == study[word]
    assert told["asked"]["weightings"] == study.get("weightings", "none")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_verdict_rests_on_ten_fresh_seeds_or_more(root, name):
    assert all(pair["n"] >= 10 for pair in verdict(root, name)["confirmation"])


@pytest.mark.slow  # each trains its arms for a few epochs on three seeds: that the example runs as it is written
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_runs_in_a_reduced_form(root, name, tmp_path):
    words = ["--epochs", "3", "--seeds", "3", "--budget", "100000epochs", "--out", str(tmp_path / "run")]
    done = subprocess.run(
        [sys.executable, str(root / "examples" / f"{name}.py"), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"Page: {tmp_path / 'run' / 'report.html'}" in done.stdout
    assert (tmp_path / "run" / "store.sqlite").exists()
