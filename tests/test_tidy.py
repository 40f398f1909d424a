"""What goes into the repository fits every machine and every reader."""

from __future__ import annotations

import re
import subprocess

import pytest

# In pieces, so that this file does not contain what it looks for.
ONE_MACHINE = re.compile(r"(?<![\w.~:/-])/(?:home|Users|root|tmp|work|opt|mnt|farm)/" + r"\w")


@pytest.fixture(scope="module")
def tracked(root):
    """Text files under version control; in an unpacked archive there are none to look at."""
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [root / name for name in listed.stdout.split("\0") if name and (root / name).is_file()]


def paths_of_one_machine(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if ONE_MACHINE.search(line)]


def test_no_tracked_file_holds_a_path_of_one_machine(tracked):
    found = {}
    for path in tracked:
        try:
            lines = paths_of_one_machine(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue  # a picture
        if lines:
            found[str(path)] = lines
    assert found == {}


def test_a_path_of_one_machine_is_recognised():
    assert paths_of_one_machine("open('" + "/ho" + "me/ann/x.csv')")
    assert paths_of_one_machine("see " + "/tm" + "p/run1")
    assert not paths_of_one_machine("a loss/work/ratio, https://example.org/home/x and ~/tmp/x")


def test_built_stubs_are_not_tracked(tracked):
    assert [p for p in tracked if p.suffix == ".pyi"] == []


def test_changelog_fragments_are_named_after_what_they_tell(root):
    wrong = [
        p.name for p in (root / "changelog.d").iterdir()
        if p.name != "README.md" and not re.fullmatch(r"[a-z0-9-]+\.(added|changed|fixed|removed)\.md", p.name)
    ]
    assert wrong == []
