"""The shape language is parsed, bound to sizes, and explains a mismatch."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steepest.core import shapes
from steepest.core.errors import DeclarationError, ShapeError
from steepest.core.shapes import mismatch, parse


def test_the_examples_of_the_docstrings_are_true():
    result = doctest.testmod(shapes)
    assert result.attempted > 0 and result.failed == 0


@pytest.mark.parametrize("text", ["(N,)", "(N, C)", "(N, C, *)", "(K, N, 10)", "(*)", "()"])
def test_a_pattern_reads_as_it_was_written(text):
    assert str(parse(text)) == text and parse(str(parse(text))) == parse(text)


@pytest.mark.parametrize("text", ["N, C", "(N, *, C)", "(N, *, *)", "(N C)", "(-1,)", "", "(N,"])
def test_what_is_no_pattern_is_refused(text):
    with pytest.raises(DeclarationError, match="axes in brackets"):
        parse(text)


def test_binding_names_the_sizes():
    assert parse("(N, C, *)").bind((8, 3, 5, 5)) == {"N": 8, "C": 3}
    assert parse("(N, C)").bind((8, 3)) == {"N": 8, "C": 3}
    assert parse("(N, N)").bind((4, 4)) == {"N": 4}
    assert parse("()").bind(()) == {}


@pytest.mark.parametrize(
    ("text", "sizes", "known"),
    [("(N, C)", (8,), {}), ("(N,)", (8, 1), {}), ("(N, 10)", (8, 9), {}), ("(N, N)", (4, 5), {}), ("(N,)", (8,), {"N": 7})],
)
def test_what_does_not_fit_binds_nothing(text, sizes, known):
    assert parse(text).bind(sizes, known) is None


def test_known_sizes_are_kept_and_not_changed():
    known = {"N": 8}
    assert parse("(N, C)").bind((8, 3), known) == {"N": 8, "C": 3} and known == {"N": 8}


@pytest.mark.parametrize(
    ("a", "b", "consequence", "repair"),
    [
        ((64,), (64, 1), "Broadcasting would average 4096 pairs instead of 64.", "Did you mean target.reshape(64)?"),
        ((64, 1), (64,), "Broadcasting would average 4096 pairs instead of 64.", "Did you mean target.reshape(64, 1)?"),
        ((64, 10), (64,), "", "Does the model give as many outputs per sample as the target has values?"),
        ((10, 10), (10,), "", "Does the model give as many outputs per sample as the target has values?"),
        ((64, 3), (63, 3), "", "input has 64 samples and target 63: were they cut from different batches?"),
        ((2, 6), (3, 4), "", "Did you mean target.reshape(2, 6)?"),
    ],
)
def test_a_mismatch_says_what_would_have_happened_and_the_repair(a, b, consequence, repair):
    error = mismatch("mse", a, b)
    assert isinstance(error, ShapeError) and isinstance(error, ValueError)
    assert error.seen == f"input has shape {a} and target {b}" and error.needed == "they must be equal"
    assert error.consequence == consequence and error.repair == repair


@given(a=st.lists(st.integers(1, 4), max_size=3), b=st.lists(st.integers(1, 4), max_size=3))
def test_the_pairs_that_broadcasting_would_make_are_counted_right(a, b):
    import torch

    consequence = mismatch("mse", a, b).consequence
    try:
        pairs = torch.zeros(a).add(torch.zeros(b)).numel()
    except RuntimeError:
        pairs = 0
    size = max(torch.zeros(a).numel(), torch.zeros(b).numel())
    assert consequence == (f"Broadcasting would average {pairs} pairs instead of {size}." if pairs > size else "")
