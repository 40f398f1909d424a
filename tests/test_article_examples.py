"""examples/articles is the guide's text as programs, and each of them runs."""

from __future__ import annotations

import runpy

import pytest
import torch

from tools.article_examples import FOLDER, programs


def test_the_programs_are_those_of_the_guide():
    """After a change of the guide: python tools/article_examples.py"""
    assert {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.py")} == programs()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore")
def test_a_program_runs(path, capsys):
    torch.manual_seed(0)
    runpy.run_path(str(path))
    has_code = any(line and not line.startswith("#") for line in path.read_text("utf-8").split('"""')[2].splitlines())
    assert bool(capsys.readouterr().out) == has_code
