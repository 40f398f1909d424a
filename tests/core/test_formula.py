"""The formula oracle: exact values and gradients by closed forms, text for pages and terminals."""

from __future__ import annotations

import doctest
import subprocess
import sys

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steepest import losses
from steepest.core import formula as module
from steepest.core.errors import UsageError
from steepest.core.formula import Formula, of_hyper

ENTROPY = Formula("log(Sum(exp(x[j]), (j, 0, C - 1))) - x[y]")
LOGISTIC = Formula("log(1 + exp(x))")


def agree(a, b, digits=48):
    with mpmath.workdps(60):
        assert abs(a - b) <= abs(b) * mpmath.mpf(10) ** -digits, (mpmath.nstr(a, 50), mpmath.nstr(b, 50))


def test_the_examples_of_the_docstrings_are_true():
    result = doctest.testmod(module)
    assert result.attempted > 0 and result.failed == 0


def test_a_value_has_fifty_digits():
    with mpmath.workdps(60):
        agree(LOGISTIC.value(1.0, 0.0), mpmath.log(1 + mpmath.e))
        agree(ENTROPY.value([1.0, 0.0], 1), mpmath.log(1 + mpmath.e))
        agree(ENTROPY.gradient([1.0, 0.0], 1)[0], mpmath.e / (1 + mpmath.e))
        agree(ENTROPY.gradient([1.0, 0.0], 1)[1], -mpmath.e / (1 + mpmath.e))


def test_what_rounds_to_zero_in_every_float_is_still_exact():
    with mpmath.workdps(60):
        agree(LOGISTIC.value(-1e4, 0.0), mpmath.exp(-10_000))  # next term: half its square, 4,343 digits below
        agree(ENTROPY.value([1e4, -1e4], 0), mpmath.exp(-20_000))
        agree(ENTROPY.gradient([1e4, -1e4], 0)[0], -mpmath.exp(-20_000))
        agree(Formula("(1 - 1/(1 + exp(-x)))**gamma", ("gamma",)).value(1e4, 0.0, gamma=0.5), mpmath.exp(-5_000))


def test_zero_is_found_to_be_zero():
    assert Formula("(x - y)**2").value(0.1, 0.1) == 0
    assert Formula("Abs(x - y)").gradient(2.0, 2.0) == [0]


def test_floats_are_taken_as_they_are():
    with mpmath.workdps(60):
        assert Formula("x").value(0.1, 0.0) == mpmath.mpf(0.1) != mpmath.mpf("0.1")
        agree(Formula("x/10 + 1/3").value(1.0, 0.0), mpmath.mpf(13) / 30)


@settings(max_examples=30)
@given(
    x=st.lists(st.floats(-50, 50), min_size=2, max_size=4),
    weights=st.lists(st.integers(1, 5), min_size=4, max_size=4),
)
def test_a_gradient_of_distributions_is_the_known_one(x, weights):
    y = [w / 16 for w in weights[: len(x)]]
    divergence = Formula(losses.kl_div.formula)
    with mpmath.workdps(120):
        total = mpmath.fsum(mpmath.exp(mpmath.mpf(v)) for v in x)
        for k, slope in enumerate(divergence.gradient(x, y)):
            known = mpmath.fsum(map(mpmath.mpf, y)) * mpmath.exp(mpmath.mpf(x[k])) / total - mpmath.mpf(y[k])
            assert abs(slope - known) < mpmath.mpf(10) ** -45


def test_names_of_sympys_own_functions_may_be_hyperparameters():
    assert Formula("gamma*x + beta + N + S", ("gamma", "beta", "N", "S")).value(2.0, 0.0, gamma=3, beta=4, N=5, S=6) == 21


def test_each_hyperparameter_needs_a_value():
    with pytest.raises(UsageError, match=r"those of the formula are \['delta'\]"):
        Formula("delta*x", ("delta",)).value(1.0, 0.0)


def test_a_text_that_is_no_formula_is_shown_and_not_computed():
    text = "if t < warmup then t / warmup else 1"
    assert Formula(text).latex() == text and Formula(text).pretty() == text
    with pytest.raises(UsageError, match="sympy can read"):
        Formula(text).value(1.0, 0.0)


def test_a_formula_is_shown_in_the_order_in_which_it_was_written():
    huber = Formula.of(losses.huber)
    assert r"\left|{x - y}\right| - \frac{\delta}{2}" in huber.latex()
    assert "│x - y│ - ─" in huber.pretty()


def test_words_are_set_as_words():
    shown = Formula("pos_weight*gamma*x", ("pos_weight", "gamma"))
    assert shown.latex() == r"\mathrm{pos\_weight} \gamma x" and shown.pretty() == "pos_weight⋅γ⋅x"


def test_an_item_without_a_formula_has_none():
    assert Formula.of(losses.mse).has_classes is False and Formula.of(losses.cross_entropy).has_classes is True

    class Bare:
        formula = None

    assert Formula.of(Bare()) is None


def test_bounds_are_formulas_of_hyperparameters():
    assert of_hyper(1) == 1.0 and of_hyper("delta", delta=2.5) == 2.5
    assert of_hyper("Max(1, pos_weight)", pos_weight=0.3) == 1.0
    assert of_hyper("1 + gamma*exp(-1)", gamma=2.0) == pytest.approx(1.7357588823428847)


def test_sympy_is_not_imported_before_it_is_needed():
    code = "import sys, steepest.core.formula, steepest.losses.focal; print({'sympy', 'mpmath'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_a_fraction_is_shown_without_a_one_before_it():
    shown = Formula("y*(1/(1 + exp(x)))**g + 1*x", ("g",))
    assert "1 \\frac" not in shown.latex() and "1\u22c5" not in shown.pretty()
    assert shown.latex() == "y \\left(\\frac{1}{1 + e^{x}}\\right)^{g} + x"
