"""How many seeds a difference needs, against published tables, scipy and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steepest.core.errors import UsageError
from steepest.results.power import power_of, seeds_for_equivalence, seeds_for_power, smallest_difference


@pytest.mark.parametrize(("effect", "pairs"), [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10)])
def test_the_seeds_are_those_of_the_tables_for_a_two_sided_paired_t_test(effect, pairs):
    """G*Power 3.1's values for alpha 0.05 and power 0.8; the first three are Cohen's small, medium and large effect."""
    assert seeds_for_power(effect) == pairs


@pytest.mark.parametrize(
    ("effect", "alpha", "pairs"),
    [(0.5, 1, 27), (0.5, 7, 47), (0.5, 23, 59), (1, 1, 8), (1, 7, 14), (1, 23, 18), (2, 1, 4), (2, 23, 8), (3, 7, 5)],
)
def test_one_sided_seeds_with_a_correction_for_many_arms(effect, alpha, pairs):
    assert seeds_for_power(effect, 0.05 / alpha, 0.8, sides=1) == pairs


@given(st.floats(0.05, 5), st.integers(2, 300), st.sampled_from([0.05, 0.01, 0.002]))
def test_power_is_the_tail_of_scipys_noncentral_t(effect, n, alpha):
    from scipy.stats import nct, t

    expected = nct.sf(t.isf(alpha / 2, n - 1), n - 1, effect * math.sqrt(n))
    assert power_of(effect, n, alpha) == pytest.approx(expected, abs=1e-6)


def test_power_is_the_share_of_simulated_studies_that_find_the_difference():
    from scipy.stats import ttest_1samp

    found = ttest_1samp(np.random.default_rng(0).normal(0.6, 1, (4000, 12)), 0, axis=1)
    share = np.mean((found.pvalue <= 0.05) & (found.statistic > 0))
    assert power_of(0.6, 12) == pytest.approx(share, abs=0.02)  # 2.5 standard errors of 4,000 studies


@given(st.floats(1e-4, 20), st.sampled_from([0.05, 0.01]), st.sampled_from([0.5, 0.8, 0.95]))
def test_one_seed_less_is_too_few(effect, alpha, power):
    n = seeds_for_power(effect, alpha, power)
    if n < 5000:
        assert power_of(effect, n, alpha) >= power
        assert n == 2 or power_of(effect, n - 1, alpha) < power


@given(st.integers(2, 4000), st.floats(0.01, 100))
def test_the_smallest_difference_is_found_with_just_the_power_asked_for(n, sd):
    assert power_of(smallest_difference(sd, n) / sd, n) == pytest.approx(0.8, abs=1e-6)


def test_the_large_sample_formula_continues_the_exact_one():
    assert power_of(0.04, 5001) == pytest.approx(power_of(0.04, 5000), abs=1e-3)
    assert seeds_for_power(0.001) == pytest.approx((1.959964 + 0.841621) ** 2 / 1e-6, rel=1e-3)


def test_what_cannot_be_resolved_is_said():
    assert smallest_difference(1.0, 1) == math.inf
    assert smallest_difference(0.0, 10) == 0.0
    assert seeds_for_power(1e-9) == 10_000_000
    assert power_of(1e9, 2) == 1.0
    for effect in (0.0, math.nan):
        with pytest.raises(UsageError):
            seeds_for_power(effect)


@pytest.mark.parametrize(("difference", "rope"), [(0.0, 0.5), (0.1, 0.5), (0.2, 0.5), (0.0, 1.0)])
def test_the_seeds_for_equivalence_bring_the_whole_interval_into_the_region(difference, rope):
    from scipy.stats import t

    n = seeds_for_equivalence(difference, rope, 1.0)
    samples = np.random.default_rng(0).normal(difference, 1, (3000, n))
    half = t.isf(0.025, n - 1) * samples.std(1, ddof=1) / math.sqrt(n)
    inside = np.mean(np.abs(samples.mean(1)) + half <= rope)
    assert 0.77 <= inside <= 0.92  # near the middle a little more than the 80 % asked for


def test_a_difference_outside_the_region_never_becomes_equivalent():
    assert seeds_for_equivalence(0.5, 0.5, 1.0) is None
    assert seeds_for_equivalence(-0.6, 0.5, 1.0) is None
