"""The verdict in a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from steepest import report


def printed(study, width: int = 140, **options) -> str:
    console = Console(file=io.StringIO(), width=width, legacy_windows=False, color_system=None)
    console.print(report.terminal(study, **options))
    return console.file.getvalue()


def test_it_says_the_sentence_the_arms_and_where_the_page_is(study):
    text = printed(study("classification"), page="runs/report.html")
    assert " ".join(text.split()).startswith(study("classification").verdict.sentence)
    for row in study("classification").verdict.arms:
        assert (
            row.name in text
            and f"{100 * row.select_score:.1f} [{100 * row.select_low:.1f}, {100 * row.select_high:.1f}]" in text
        )
    assert "Page: runs/report.html" in text


@pytest.mark.parametrize("name", ["regression", "unfinished", "empty", "one_arm", "all_diverged"])
def test_it_survives_missing_pieces(name, study):
    assert printed(study(name), width=60).strip()


def test_names_are_never_read_as_markup_or_escape_codes(study):
    text = printed(study("hostile"))
    assert "\x1b" not in text and "\x00" not in text and "\u202e" not in text
    assert "<script>alert(1)</script>" in text


@pytest.mark.parametrize("width", [30, 45, 60, 80, 100, 140])
def test_every_arm_keeps_its_name_however_narrow_the_terminal_is(width, study):
    text = printed(study("classification"), width=width)
    table = text[text.index("Arm") :]
    assert max(map(len, text.splitlines())) <= width and "…" not in table
    letters = "".join(table.split())
    for row in study("classification").verdict.arms:
        words = row.name.replace("(", " ").replace(")", " ").split()
        assert all(word[:10] in letters for word in words), row.name
