"""The guide for contributors shows code that exists: its examples are passages of the files that they name."""

from __future__ import annotations

import re

import pytest

from tools import examples

FOLDER = re.compile(r"^\| \w[\w ]* \| `([\w/]+/)` \|", re.MULTILINE)
DECLARED = re.compile(r"^@(loss|weighting|rule|schedule|transform|metric|dataset|model|section)\(", re.MULTILINE)


@pytest.fixture(scope="module")
def guide(root):
    return (root / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_every_example_is_the_code_of_the_file_that_it_names(guide):
    assert len(examples.MARKED.findall(guide)) == guide.count("<!-- from ") == 8
    assert examples.filled(guide) == guide, "an example is out of date: run python tools/examples.py"


def test_an_example_out_of_date_is_noticed(guide):
    stale = guide.replace("def huber(", "def hubert(")
    assert stale != examples.filled(stale) == examples.filled(guide)


def test_every_folder_that_it_sends_one_to_holds_items(guide, root):
    folders = FOLDER.findall(guide)
    assert len(folders) == 9
    for folder in folders:
        texts = [p.read_text(encoding="utf-8") for p in (root / "src/steepest" / folder).glob("*.py")]
        assert any(DECLARED.search(text) for text in texts), folder


def test_every_make_target_that_a_guide_names_exists(guide, root):
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    commands = re.findall(r"(?:^|`)make ([a-z][a-z-]*)", guide + (root / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {"demo", "test"} <= set(commands) <= targets
