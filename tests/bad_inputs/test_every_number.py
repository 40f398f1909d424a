"""Every number of the list is tried at every door at which it can knock."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from the_list import LIST

HERE = Path(__file__).parent
FILES = {
    "fit": ("test_bad_inputs_of_fit.py", "test_faults_of_fit.py"),
    "evaluate": ("test_bad_inputs_of_evaluate.py",),
    "data": ("test_bad_inputs_of_data.py",),
    "command": ("test_bad_inputs_of_commands.py",),
}


def numbers_in(text: str) -> set[int]:
    """Those with which a test's name or the title of one of its cases begins."""
    found: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            found |= {int(n) for n in re.findall(r"\d\d", re.match(r"test_((?:\d\d_)*)", node.name)[1])}
        keys = node.keys if isinstance(node, ast.Dict) else ()
        titles = (key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))
        found |= {int(title[:2]) for title in titles if re.match(r"\d\d ", title)}
    return found


@pytest.mark.parametrize("door", FILES)
def test_every_number_that_concerns_a_door_is_tried_there(door):
    tried = set().union(*(numbers_in((HERE / name).read_text("utf-8")) for name in FILES[door]))
    asked = {number for number, (_, doors) in LIST.items() if door in doors.split()}
    assert {number: LIST[number][0] for number in sorted(asked - tried)} == {}


def test_the_list_is_whole_and_each_number_has_a_door():
    assert list(LIST) == list(range(1, 85))
    assert [
        n
        for n, (_, doors) in LIST.items()
        if not doors.startswith("elsewhere: ") and not set(doors.split()) <= set(FILES)
    ] == []


def test_a_number_is_seen_in_titles_and_names_alone():
    text = 'def test_52_53_a(): pass\nX = {"07 a": "32 rows", "2 b": 3, "1984 c": 4}\ndef other_61_(): pass'
    assert numbers_in(text) == {52, 53, 7}
