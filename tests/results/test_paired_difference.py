"""The verdict on two arms: equal to scipy's, honest about nothing, able to find something, no prize for divergence."""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from steepest.core.errors import UsageError
from steepest.results.evidence import (
    mean_interval,
    paired_difference,
    probability_better,
    seeds_for_power,
    verdict_of,
)

NAN = math.nan
VERDICTS = {"better", "probably better", "equivalent", "undecided", "worse", "probably worse"}
MIRRORED = {"better": "worse", "probably better": "probably worse"}
MIRRORED |= {b: a for a, b in MIRRORED.items()} | {v: v for v in ("equivalent", "undecided")}

scores = st.floats(-100, 100).map(lambda x: round(x, 3))
paired = st.lists(st.tuples(scores, scores), min_size=2, max_size=15)
anything = st.floats(-1e6, 1e6) | st.sampled_from([NAN, math.inf, -math.inf, 0.0, 1.0])


def draw(rng, n: int, effect: float, correlation: float = 0.5):
    """A and B over n seeds: sd 1 each, paired by a shared part, apart by `effect` sd of their differences."""
    shared = math.sqrt(correlation) * rng.standard_normal(n)
    a, b = (shared + math.sqrt(1 - correlation) * rng.standard_normal(n) for _ in "ab")
    return a + effect * math.sqrt(2 * (1 - correlation)), b


@given(paired)
def test_the_p_value_and_interval_are_those_of_scipys_paired_t_test(values):
    from scipy.stats import ttest_rel

    a, b = zip(*values)
    gaps = np.subtract(a, b)
    assume(gaps.std() > 1e-6)
    found = paired_difference(a, b)
    expected = ttest_rel(a, b)
    low, high = expected.confidence_interval(0.95)
    assert found.method == "paired t"
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-300)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9, abs=1e-9)
    assert found.effect_size == pytest.approx(gaps.mean() / gaps.std(ddof=1), rel=1e-9, abs=1e-9)


@given(st.lists(st.tuples(anything, anything), max_size=12))
def test_for_any_scores_no_field_is_nan_and_the_interval_holds_the_difference(values):
    found = paired_difference([a for a, _ in values], [b for _, b in values])
    for field in fields(found):
        value = getattr(found, field.name)
        assert not (isinstance(value, float) and math.isnan(value)), field.name
    assert found.low <= found.difference <= found.high
    assert 0 <= found.p_value <= 1
    assert 0 <= found.p_better_low <= found.p_better <= found.p_better_high <= 1
    assert found.verdict in VERDICTS
    assert found.more_seeds is None or (found.verdict == "undecided" and found.more_seeds >= 1)


@given(st.lists(st.tuples(anything, anything), max_size=10))
def test_exchanging_the_arms_turns_the_verdict_and_turning_the_metric_does_not(values):
    a, b = [x for x, _ in values], [y for _, y in values]
    found = paired_difference(a, b)
    assert paired_difference([-x for x in a], [-y for y in b], best="min") == found
    mirrored = paired_difference(b, a)
    assert mirrored.verdict == MIRRORED[found.verdict]
    assert mirrored.difference == -found.difference
    assert (mirrored.low, mirrored.high) == (-found.high, -found.low)
    assert mirrored.p_better == pytest.approx(1 - found.p_better)
    assert mirrored.p_value == pytest.approx(found.p_value)


@given(paired, st.sampled_from([0.001, 100.0]))
def test_the_unit_of_the_metric_changes_no_verdict(values, factor):
    a, b = (np.array(column) for column in zip(*values))
    gaps = a - b
    assume(gaps.std() > 1e-6)
    one, other = paired_difference(a, b), paired_difference(a * factor, b * factor)
    assert other.p_value == pytest.approx(one.p_value, rel=1e-6)
    assert other.difference == pytest.approx(one.difference * factor)
    assert other.rope == pytest.approx(one.rope * factor)
    assume(min(abs(abs(one.low) - one.rope), abs(abs(one.high) - one.rope)) > 1e-9)  # not on an edge
    assert other.verdict == one.verdict


# -- what a verdict claims: simulations of a known truth. In 3,000 cases a rate of 5 % has a standard error of 0.4 %.


def verdicts(n: int, effect: float, cases: int = 3000, **options):
    rng = np.random.default_rng(20261120)
    return [paired_difference(*draw(rng, n, effect), **options) for _ in range(cases)]


@pytest.mark.parametrize("n", [5, 10])
def test_the_interval_holds_the_true_difference_in_95_percent_of_studies(n):
    truth = 0.7
    held = np.mean([d.low <= truth <= d.high for d in verdicts(n, truth)])
    assert 0.93 <= held <= 0.97


@pytest.mark.parametrize("n", [3, 10])
@pytest.mark.parametrize("rope", [None, 0.0])
def test_an_arm_compared_with_itself_is_found_different_in_at_most_5_percent_of_studies(n, rope):
    claimed = np.mean([d.verdict not in ("equivalent", "undecided") for d in verdicts(n, 0.0, rope=rope)])
    assert claimed <= 0.05 + 0.008  # two standard errors


def test_an_arm_that_diverges_now_and_then_is_not_found_different_from_itself():
    rng = np.random.default_rng(7)
    claims = 0
    for _ in range(1500):
        a, b = draw(rng, 10, 0.0)
        a[rng.random(10) < 0.15], b[rng.random(10) < 0.15] = NAN, NAN
        claims += paired_difference(a, b, rope=0.0).verdict not in ("equivalent", "undecided")
    assert claims / 1500 <= 0.055


def test_a_difference_of_one_sd_is_found_in_80_percent_of_studies_at_the_seeds_that_power_asks_for():
    n = seeds_for_power(1.0)
    found = np.mean([d.verdict in ("better", "probably better") for d in verdicts(n, 1.0)])
    assert found >= 0.80 - 0.015  # two standard errors of 3,000 cases; in theory 0.803


def test_the_chance_to_win_a_fresh_seed_is_estimated_without_leaning():
    for effect, truth in ((0.0, 0.5), (0.5, 0.6915), (1.0, 0.8413)):  # from a table of the normal distribution
        found = verdicts(10, effect, 1500)
        assert np.mean([d.p_better for d in found]) == pytest.approx(truth, abs=0.02)
        held = np.mean([d.p_better_low <= truth <= d.p_better_high for d in found])
        assert 0.93 <= held <= 0.97


@pytest.mark.parametrize(("effect", "rope"), [(0.5, 0.0), (0.1, 0.5), (0.8, 0.25)])
def test_the_seeds_said_to_be_missing_lead_to_a_verdict_in_most_studies(effect, rope):
    """If what was seen is the truth, 80 % are promised; a pilot of 6 with exactly that mean and sd."""
    pilot = np.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0]) * math.sqrt(5 / 6) + effect
    first = paired_difference(pilot, np.zeros(6), rope=rope)
    assert first.verdict == "undecided"
    rng = np.random.default_rng(3)
    n = 6 + first.more_seeds
    decided = [
        paired_difference(rng.standard_normal(n) + effect, np.zeros(n), rope=rope).verdict != "undecided"
        for _ in range(600)
    ]
    assert 0.75 <= np.mean(decided) <= 0.97


# -- the verdicts


@pytest.mark.parametrize(
    ("low", "high", "rope", "p_better", "words"),
    [
        (0.3, 0.9, 0.2, 0.9, "better"),
        (0.1, 0.9, 0.2, 0.8, "probably better"),
        (0.1, 0.9, 0.2, 0.7, "undecided"),
        (0.2, 0.9, 0.2, 0.8, "probably better"),  # touching the region is not above it
        (-0.1, 0.9, 0.2, 0.9, "undecided"),
        (-0.2, 0.2, 0.2, 0.5, "equivalent"),
        (0.05, 0.15, 0.2, 0.9, "equivalent"),  # surely positive, surely too small to matter
        (0.0, 0.0, 0.0, 0.5, "equivalent"),
        (-0.9, -0.3, 0.2, 0.1, "worse"),
        (-0.9, -0.1, 0.2, 0.2, "probably worse"),
        (-0.9, -0.1, 0.2, 0.3, "undecided"),
        (-math.inf, math.inf, 0.2, 0.5, "undecided"),
    ],
)
def test_the_verdict_follows_from_the_interval_and_the_region(low, high, rope, p_better, words):
    assert verdict_of(low, high, rope, p_better) == words


def test_identical_arms_are_equivalent_even_without_a_region():
    for values in ([0.9, 0.8], [0.5] * 10, [0.1 + 0.2, 0.3]):
        for rope in (None, 0.0, 0.01):
            found = paired_difference(values, values, rope=rope)
            assert (found.verdict, found.difference, found.low, found.high) == ("equivalent", 0.0, 0.0, 0.0)
            assert (found.p_value, found.p_better, found.effect_size) == (1.0, 0.5, 0.0)


def test_rounding_is_no_difference():
    values = [0.1 + 0.2, 0.9, 0.7]
    assert paired_difference(values, [0.3, 0.9 + 1e-16, 0.7]).verdict == "equivalent"


def test_one_seed_is_no_evidence():
    for a, b in (([], []), ([1.0], [0.0]), ([0.0], [0.0]), ([NAN], [0.0])):
        found = paired_difference(a, b)
        assert (found.verdict, found.low, found.high, found.p_value) == ("undecided", -math.inf, math.inf, 1.0)
        assert found.more_seeds is None


def test_equal_differences_on_few_seeds_are_no_certainty():
    """Two seeds that both gained one of 360 samples: t would be infinite."""
    two = paired_difference([0.9, 0.8], [0.9 - 1 / 360, 0.8 - 1 / 360])
    assert (two.verdict, two.p_value, two.method) == ("undecided", 0.5, "signed rank")
    assert two.more_seeds == 4  # six seeds that agree are the fewest that can reach 5 %
    six = paired_difference([0.9] * 6, [0.8] * 6)
    assert six.verdict == "better" and six.p_value == 2 / 2**6


def test_the_default_region_is_a_quarter_of_one_arms_spread_over_seeds():
    found = paired_difference([1.0, 2.0, 3.0], [10.0, 14.0, 18.0])
    assert found.rope == pytest.approx(0.25 * math.sqrt((1 + 16) / 2))


def test_overlapping_splits_widen_the_interval_as_nadeau_and_bengio_say():
    """Variance factor 1/n + test/train: ten splits with a fifth for testing give 0.1 + 0.25."""
    a, b = draw(np.random.default_rng(1), 10, 1.0)
    plain, corrected = paired_difference(a, b), paired_difference(a, b, overlap=0.25)
    assert (corrected.high - corrected.low) / (plain.high - plain.low) == pytest.approx(math.sqrt(0.35 / 0.1))
    assert corrected.p_value > plain.p_value


def test_where_splits_overlap_no_number_of_seeds_may_be_enough():
    pattern = np.array([-1.0, 1.0] * 5) + 0.6
    assert paired_difference(pattern, np.zeros(10), rope=0.0).more_seeds is not None
    assert paired_difference(pattern, np.zeros(10), rope=0.0, overlap=1 / 3).more_seeds is None


# -- divergence


def test_an_arm_that_diverged_once_in_ten_seeds_is_never_found_better():
    rng = np.random.default_rng(5)
    for advantage in (1.0, 100.0):
        a = rng.standard_normal(10) + advantage
        a[3] = NAN
        found = paired_difference(a, rng.standard_normal(10))
        assert found.low == -math.inf and found.verdict == "undecided"
        assert (found.method, found.diverged_a, found.diverged_b) == ("signed rank", 1, 0)


@given(
    st.lists(st.tuples(scores, scores), min_size=3, max_size=12),
    st.integers(0, 11),
    st.integers(0, 11),
)
def test_one_more_divergence_never_helps_the_arm(values, first, second):
    a, b = [x for x, _ in values], [y for _, y in values]
    a[first % len(a)] = NAN
    one = paired_difference(a, b, rope=1.0)
    a[second % len(a)] = NAN
    two = paired_difference(a, b, rope=1.0)
    assert two.difference <= one.difference and two.low <= one.low and two.high <= one.high
    assert two.p_better <= one.p_better


def test_an_arm_that_always_diverges_is_worse_than_one_that_never_does():
    found = paired_difference([NAN] * 6, [0.1, 0.2, 0.3, 0.1, 0.2, 0.3])
    assert (found.verdict, found.difference, found.diverged_a) == ("worse", -math.inf, 6)
    assert paired_difference([1.0] * 6, [math.inf] * 6, best="min").verdict == "better"


def test_two_arms_that_diverge_on_all_the_same_seeds_were_not_compared():
    found = paired_difference([NAN] * 10, [NAN] * 10)
    assert (found.verdict, found.p_value, found.more_seeds) == ("undecided", 1.0, None)
    assert paired_difference([NAN] * 9 + [0.5], [NAN] * 9 + [0.5]).verdict == "undecided"


# -- bad input


def test_scores_of_different_seeds_are_refused():
    with pytest.raises(UsageError, match="3 scores of the first arm meet 2"):
        paired_difference([1, 2, 3], [1, 2])


@pytest.mark.parametrize(
    "options",
    [
        {"best": "maximum"},
        {"level": 95},
        {"level": 0},
        {"rope": -0.1},
        {"rope": NAN},
        {"overlap": -0.25},
        {"overlap": NAN},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(UsageError):
        paired_difference([1.0, 2.0], [1.0, 3.0], **options)


def test_probability_better_is_that_of_the_paired_difference():
    for a, b in (([1.0, 2.0, 4.0], [0.5, 2.5, 1.0]), ([1.0, NAN], [0.0, 0.0]), ([], [])):
        assert probability_better(a, b) == paired_difference(a, b).p_better


# -- one arm


def test_the_mean_of_an_arm_has_scipys_t_interval():
    from scipy.stats import sem, t

    values = [0.91, 0.89, 0.93, 0.9]
    low, high = t.interval(0.9, 3, np.mean(values), sem(values))
    assert mean_interval(values, 0.9) == pytest.approx((np.mean(values), low, high))


def test_the_interval_of_a_share_ends_where_shares_do():
    values = [1.0, 1.0, 0.97, 1.0]
    assert mean_interval(values).high > 1
    centre, low, high = mean_interval(values, limits=(0.0, 1.0))
    assert (centre, low, high) == (mean_interval(values).centre, mean_interval(values).low, 1.0)


def test_one_score_has_no_interval_and_none_no_mean():
    assert mean_interval([0.5])[0] == 0.5
    assert all(math.isnan(x) for x in (*mean_interval([0.5])[1:], *mean_interval([])))


def test_a_diverged_trial_pulls_the_centre_to_the_bad_side():
    centre, low, high = mean_interval([0.9, 0.8, NAN, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
    assert (centre, low, high) == (0.45, 0.1, 0.8)  # the sign test at 10: second value from either end
    assert mean_interval([1.0, 2.0, 3.0, NAN, NAN], best="min") == (3.0, -math.inf, math.inf)
    assert mean_interval([NAN, NAN]).centre == -math.inf


def test_the_median_interval_covers_in_at_least_95_percent():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        values = rng.standard_cauchy(11)
        values[values < -2] = NAN  # the worst ones diverge: the median stays 0
        interval = mean_interval(values)
        held += interval.low <= 0 <= interval.high or not np.isnan(values).any()
    assert held / 2000 >= 0.945
