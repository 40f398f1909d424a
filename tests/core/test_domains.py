"""A domain says, once, which values are allowed, which are not, and where good ones are searched."""

from __future__ import annotations

import math
from typing import Literal

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from steepest.core import domains
from steepest.core.domains import Counts, Interval, Linear, Log, Log1m, OneOf, check_value, domain_of
from steepest.core.errors import DomainError

NAMED = {
    name: domain_of(getattr(domains, name))
    for name in ("Real", "Positive", "NonNegative", "Unit", "UnitOpen", "Count", "Flag")
}
ALL = [*NAMED.values(), OneOf(("min", "max")), Interval(high=3.0), Interval(-2.0, -1.0, open_low=True, open_high=True)]


@pytest.mark.parametrize("domain", ALL, ids=lambda d: d.explain())
def test_the_allowed_side_passes_and_the_forbidden_side_does_not(domain):
    assert domain.allowed() and domain.forbidden()
    for value in domain.allowed():
        check_value("here", "value", value, domain)
    for value in domain.forbidden():
        with pytest.raises(DomainError) as caught:
            check_value("here", "delta", value, domain)
        assert str(caught.value) == (
            f"here: delta is {value!r}; it must be {domain.explain()}.\nGive delta a value such as {domain.allowed()[0]!r}."
        )


@pytest.mark.parametrize(
    ("name", "says", "inside", "outside"),
    [
        ("Real", "a finite number", (-1e300, 0), (math.inf, math.nan, "1", None, True)),
        ("Positive", "a number > 0", (5e-324, 1e300, 3), (0, -1.0, math.inf)),
        ("NonNegative", "a number >= 0", (0, 0.0, 2), (-5e-324, math.nan)),
        ("Unit", "a number in [0, 1]", (0, 1, 0.5), (-0.1, 1.0000001)),
        ("UnitOpen", "a number in [0, 1)", (0, 0.999), (1, 1.0, -0.1)),
        ("Count", "a whole number >= 1", (1, 10**9), (0, 1.0, 2.5, True)),
        ("Flag", "one of False, True", (True, False), (0, 1, "yes", None)),
    ],
)
def test_the_named_domains_say_what_they_hold(name, says, inside, outside):
    domain = NAMED[name]
    assert domain.explain() == says
    for value in inside:
        check_value("here", "value", value, domain)
    for value in outside:
        with pytest.raises(DomainError):
            check_value("here", "value", value, domain)


def test_numbers_of_numpy_are_numbers():
    check_value("here", "value", numpy.float32(0.5), NAMED["Positive"])
    check_value("here", "value", numpy.int64(3), NAMED["Count"])
    with pytest.raises(DomainError):
        check_value("here", "value", numpy.float32(-0.5), NAMED["Positive"])


def test_tensors_pass_unread():
    check_value("here", "value", torch.tensor(-1.0, device="meta"), NAMED["Positive"])


def test_a_literal_is_a_choice_and_a_plain_annotation_is_no_domain():
    assert domain_of(Literal["min", "max"]) == OneOf(("min", "max"))
    assert domain_of(float) is None and domain_of(None) is None


@given(low=st.floats(1e-8, 1e-2), factor=st.floats(1.5, 1e6), n=st.integers(2, 9))
def test_a_grid_keeps_its_ends_and_its_spacing(low, factor, n):
    high = low * factor
    grid = Log(low, high).grid(n)
    assert grid[0] == pytest.approx(low) and grid[-1] == pytest.approx(high) and len(grid) == n
    steps = [b / a for a, b in zip(grid, grid[1:])]
    assert max(steps) == pytest.approx(min(steps))
    straight = Linear(low, high).grid(n)
    assert straight[0] == low and straight[-1] == pytest.approx(high)
    assert [b - a for a, b in zip(straight, straight[1:])] == pytest.approx([(high - low) / (n - 1)] * (n - 1))


def test_a_grid_of_one_is_the_middle():
    assert Log(1e-4, 1e-2).grid(1) == pytest.approx([1e-3])
    assert Linear(0, 5).grid(1) == [2.5]
    assert Log1m(1e-3, 1e-1).grid(1) == pytest.approx([0.99])


def test_decay_rates_are_searched_by_their_distance_from_one():
    assert Log1m(1e-3, 1e-1).grid(3) == pytest.approx([0.999, 0.99, 0.9])


def test_search_ranges_explain_themselves():
    assert Log(1e-4, 1e-2).explain() == "log-uniform 0.0001 to 0.01"
    assert Log1m(1e-3, 0.1).explain() == "1 - value log-uniform 0.001 to 0.1"
    assert Linear(0, 5).explain() == "uniform 0 to 5"


def test_counts_start_where_they_are_told():
    assert Counts(0).holds(0) and not Counts(2).holds(1)
