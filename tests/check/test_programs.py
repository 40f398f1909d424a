"""Whole programs in many styles: real mistakes, one each, are found under the right code; correct programs that look suspicious are not accused.

The programs were written while the checks were: they hold what was reached. Those of `unseen` were not used to write them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from watched import only_read, watched

PROGRAMS = Path(__file__).parent / "programs"
FAULTY = sorted((PROGRAMS / "faulty").glob("*.py"))
CORRECT = sorted((PROGRAMS / "correct").glob("*.py"))
SECOND = {"z05": {"G04"}}
"""Program -> codes that are true of it besides the expected one."""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Programs that save their weights do it in a folder of their own; they read no arguments of ours."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["program.py"])


def expected(text: str) -> set[str]:
    return set(re.search(r"^# expects: (.*)$", text, re.MULTILINE)[1].split(" or "))


@pytest.mark.parametrize("file", FAULTY, ids=lambda f: f.stem)
def test_a_mistake_is_found_under_its_code_and_no_other_error_is_told(file):
    text = file.read_text(encoding="utf-8")
    report = watched(text, str(file))
    assert {f.code for f in report.findings} & expected(text), report
    assert {f.code for f in report.errors} <= expected(text) | SECOND.get(file.stem, set()), report


@pytest.mark.parametrize("file", CORRECT, ids=lambda f: f.stem)
def test_a_correct_program_is_not_accused(file):
    text = file.read_text(encoding="utf-8")
    for report in (watched(text, str(file)), only_read(text, str(file))):
        assert [f for f in report.findings if f.severity != "note"] == [], report
        assert report.not_run == []


def test_reading_alone_finds_most_mistakes_and_accuses_none_wrongly():
    found = wrong = 0
    for file in FAULTY:
        text = file.read_text(encoding="utf-8")
        report = only_read(text, str(file))
        found += bool({f.code for f in report.findings} & expected(text))
        wrong += bool({f.code for f in report.errors} - expected(text))
    assert found >= 0.7 * len(FAULTY) and wrong == 0
