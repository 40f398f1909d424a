"""Charts are laid out by the widths of one font of our own, so that a study gives the same page on every machine."""

from __future__ import annotations

import re

import altair as alt
import pytest

from steepest.report.charts.theme import FONT, finish, row_axis, values
from steepest.report.svg import svg

EM = {"W": 0.944, "i": 0.222, "ö": 0.556, "Σ": 0.618, "−": 0.584}
"""Widths of Arial, from its table of metrics."""


def left_edge(label):
    """Where the plot begins, right of the label of its only row."""
    bars = alt.Chart(values([{"row": label, "x": 1.0}])).mark_rect().encode(x=alt.X("x:Q", axis=None), y=row_axis([label], 860))
    root = svg(finish(alt.layer(bars), 860, 60), "a bar", "t-")
    return float(re.search(r'transform="translate\(([\d.]+),', root)[1])


@pytest.mark.parametrize("letter", [letter for letter in EM if letter != "i"])
def test_a_label_takes_the_room_that_its_letters_need(letter):
    size = 13  # of the labels of rows
    wider = left_edge(10 * letter) - left_edge(10 * "i")
    assert wider == pytest.approx(10 * size * (EM[letter] - EM["i"]), abs=1.0)


def test_the_page_draws_in_its_own_font():
    bars = alt.Chart(values([{"row": "a", "x": 1.0}])).mark_rect().encode(x="x:Q", y=row_axis(["a"], 860))
    assert FONT not in svg(finish(alt.layer(bars), 860, 60), "a bar", "t-")
