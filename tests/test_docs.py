"""What the guides show is what happens: every example is run, every command is one that the command line takes."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from steepest.cli import app

DOCS = Path(__file__).resolve().parent.parent / "docs"
GUIDES = sorted(p.name for p in DOCS.glob("*.md") if "```pycon" in p.read_text("utf-8"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(root, guide: str, kind: str) -> list[str]:
    return [text for found, text in BLOCK.findall((root / "docs" / guide).read_text("utf-8")) if found == kind]


@pytest.mark.parametrize("guide", GUIDES)
@pytest.mark.filterwarnings("ignore")
def test_every_example_prints_what_the_guide_shows(root, guide, tmp_path, monkeypatch):
    """The blocks of a page go on from one another, as a reader types them."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    told: list[str] = []
    known: dict[str, object] = {}
    for i, text in enumerate(found := blocks(root, guide, "pycon")):
        test = doctest.DocTestParser().get_doctest(text, known, f"{guide} {i}", guide, 0)
        doctest.DocTestRunner(optionflags=FLAGS).run(test, out=told.append, clear_globs=False)
        known = test.globs
    assert len(found) >= 5 and told == [], "\n".join(told)


def commands(root, guide: str) -> list[list[str]]:
    return [shlex.split(line) for text in blocks(root, guide, "sh") for line in text.splitlines()]


def run(words: list[str]) -> None:
    assert words[0] == "steepest"
    done = CliRunner().invoke(app, words[1:])
    assert done.exit_code == 0, (words, done.output)


@pytest.mark.parametrize("guide", GUIDES)
def test_every_command_is_understood(root, guide, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words in commands(root, guide):
        if words[1] != "compare":
            run(words)


@pytest.mark.slow  # each plans a study: its model, data and arms are built, and a few steps are timed
@pytest.mark.parametrize("guide", GUIDES)
def test_every_comparison_can_be_planned(root, guide):
    for words in commands(root, guide):
        if words[1] == "compare":
            run([*words, "--dry-run"])


@pytest.mark.parametrize("guide", GUIDES)
def test_every_block_is_run(root, guide):
    kinds = {kind for kind, _ in BLOCK.findall((root / "docs" / guide).read_text("utf-8"))}
    assert kinds <= {"pycon", "sh", "text"}
