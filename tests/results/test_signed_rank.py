"""The signed-rank test and its interval are exact, with ties, zeros and infinities, where scipy's table ends."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from steepest.results.ranks import signed_rank_centre, signed_rank_interval, signed_rank_p

distinct = st.lists(st.integers(1, 1000), min_size=1, max_size=14, unique=True)
coarse = st.lists(st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0, math.inf, -math.inf]), max_size=9)


@given(distinct, st.integers(0, 2**14 - 1))
def test_without_ties_the_p_value_is_scipys(magnitudes, signs):
    from scipy.stats import wilcoxon

    values = [m if signs >> i & 1 else -m for i, m in enumerate(magnitudes)]
    assert signed_rank_p(values) == pytest.approx(wilcoxon(values, method="exact").pvalue)


@given(coarse)
def test_with_ties_zeros_and_infinities_the_p_value_counts_all_signs(values):
    """The definition: among all 2^n choices of signs, the share whose rank sum lies as far out as the one seen."""
    from scipy.stats import rankdata

    ranks = rankdata(np.abs(values)) if values else np.array([])
    seen = abs(sum(np.sign(v) * r for v, r in zip(values, ranks)))
    voting = [r for v, r in zip(values, ranks) if v != 0]
    sums = [abs(sum(s * r for s, r in zip(signs, voting))) for signs in itertools.product((-1, 1), repeat=len(voting))]
    assert signed_rank_p(values) == pytest.approx(np.mean([s >= seen - 1e-9 for s in sums]))


# Drawn without ties: they make the test, not the bounds, coarser.
HUNDREDTHS = st.integers(-5000, 5000).filter(bool)


@settings(max_examples=40)
@given(st.lists(HUNDREDTHS, min_size=6, max_size=12, unique_by=abs), st.floats(-60, 60))
def test_the_interval_holds_what_the_test_does_not_reject(hundredths, shift):
    values = [h / 100 + shift for h in hundredths]
    shifted = [h / 100 for h in hundredths]
    low, high = signed_rank_interval(values, 0.9)
    walsh = [(x + y) / 2 for x, y in itertools.combinations_with_replacement(values, 2)]
    assume(min(abs(w - shift) for w in walsh) > 1e-6)  # not on a bound
    assert (low < shift < high) == (signed_rank_p(shifted) > 0.1)


def test_below_six_seeds_nothing_is_excluded_at_95_percent():
    for n in range(6):
        assert signed_rank_interval([1.0 + i for i in range(n)], 0.95) == (-math.inf, math.inf)
    assert signed_rank_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0.95) == (1.0, 6.0)


def test_the_interval_covers_heavy_tails():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        low, high = signed_rank_interval(list(rng.standard_cauchy(10)), 0.95)
        held += low <= 0 <= high
    assert 0.945 <= held / 2000 <= 0.975  # exact level at n = 10: 95.1 %


def test_the_centre_is_the_median_of_pairwise_means():
    assert signed_rank_centre([1.0, 2.0, 10.0]) == np.median([1, 2, 10, 1.5, 5.5, 6])
    # Four means are -inf, then 1, 1.5, 2, 2, 2.5, 3.
    assert signed_rank_centre([-math.inf, 1.0, 2.0, 3.0]) == (1 + 1.5) / 2
    assert signed_rank_centre([]) == 0.0
