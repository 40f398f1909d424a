"""How names and numbers are written."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steepest.report.names import clean, count, labels, listed, shorten
from steepest.report.numbers import Scale, duration, p_value, probability, rate

POINTS = Scale("accuracy", "points", 100.0, 1, True)
LOSS = Scale("mean_squared_error", "mean_squared_error", 1.0, 0, False)
anything = st.text(st.characters(), max_size=300)  # surrogates and controls included


@given(anything, st.integers(5, 100))
def test_a_cleaned_name_fits_into_a_line_of_any_xml(text, limit):
    found = clean(text, limit)
    assert 0 < len(found) <= max(limit, len("(no name)")) and "\n" not in found
    element = ElementTree.Element("text")
    element.text = found
    assert ElementTree.fromstring(ElementTree.tostring(element)).text == found


@given(st.lists(anything, max_size=8, unique=True))
def test_labels_are_different_for_different_names(names):
    assert len(set(labels(names, 12).values())) == len(names)


def test_shortening_keeps_both_ends():
    assert shorten("cross_entropy + sgd(momentum=0.9)", 20) == "cross_entropy…m=0.9)"


@pytest.mark.parametrize(
    ("value", "score", "change"),
    [
        (0.9512, "95.1", "+95.1"),
        (-0.012, "−1.2", "−1.2"),
        (0.0, "0.0", "0.0"),
        (0.0003, "0.03", "+0.03"),
        (-0.00004, "−0.004", "−0.004"),
        (-1e-9, "0", "0"),
        (math.inf, "∞", "∞"),
        (-math.inf, "−∞", "−∞"),
        (math.nan, "–", "–"),
        (None, "–", "–"),
    ],
)
def test_points_have_one_decimal_and_zero_only_for_zero(value, score, change):
    assert (POINTS.score(value), POINTS.change(value)) == (score, change)


def test_intervals_are_never_left_out_silently():
    assert POINTS.interval(0.9, 0.95) == "[90.0, 95.0]"
    assert POINTS.interval(None, 0.95) == POINTS.interval(math.nan, 0.95) == "[no interval]"
    assert LOSS.interval(-math.inf, 2951.2) == "[−∞, 2,951]"


def test_small_things():
    assert [rate(x) for x in (0.0031622, 1e-5, 0.1, None)] == ["0.0032", "1e-05", "0.1", "–"]
    assert [probability(p) for p in (1.0, 0.0, 0.567, None)] == ["> 0.99", "< 0.01", "0.57", "–"]
    assert [p_value(p) for p in (3e-6, 0.0123, math.nan)] == ["< 0.0001", "0.012", "–"]
    assert [duration(s) for s in (7.44, 42.0, 185.0, 7800.0)] == ["7.4 s", "42 s", "3 min 05 s", "2 h 10 min"]
    assert [listed(x) for x in ([], ["a"], ["a", "b"], list("abcdef"))] == [
        "none",
        "a",
        "a and b",
        "a, b, c, d and 2 more",
    ]
    assert (count(1, "seed"), count(1200, "trial")) == ("1 seed", "1,200 trials")
