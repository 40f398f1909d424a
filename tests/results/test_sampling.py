"""The interval for other samples: it covers their drawing, where an interval over seeds alone is sure of an accident."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest

from steepest.results.evidence import paired_difference
from steepest.results.pairs import pair
from steepest.results.sampling import jackknife_variance, with_samples

N_SEEDS, N_SAMPLES, PARTS = 12, 200, 20


def test_the_jackknife_of_a_mean_over_single_samples_is_the_variance_of_the_mean():
    values = np.random.default_rng(0).normal(size=30)
    left_out = [float(np.delete(values, i).mean()) for i in range(30)]
    assert jackknife_variance(left_out) == pytest.approx(statistics.variance(values) / 30)


def study(rng, effect: float, seed_sd: float, sample_sd: float):
    """Scores of A and B on N_SEEDS seeds and one test part, whose samples lean to either arm by `sample_sd` each."""
    of_samples = effect + sample_sd * rng.standard_normal(N_SAMPLES)
    gaps = of_samples + seed_sd * rng.standard_normal((N_SEEDS, 1)) + 0.5 * rng.standard_normal((N_SEEDS, N_SAMPLES))
    scores = gaps.mean(1)
    parts = np.arange(N_SAMPLES) % PARTS
    left_out = [float(gaps[:, parts != p].mean()) for p in range(PARTS)]
    found = paired_difference(scores, np.zeros(N_SEEDS), rope=0.0)
    return with_samples(found, pair(scores, np.zeros(N_SEEDS)), left_out, 0.0)


@pytest.mark.parametrize(("seed_sd", "sample_sd"), [(0.05, 1.0), (0.1, 1.0), (0.2, 0.5)])
def test_it_holds_the_difference_over_all_samples_in_95_percent_of_studies(seed_sd, sample_sd):
    """1,500 studies: two standard errors are 1.1 %; samples and seeds in the shares that real test parts have."""
    rng = np.random.default_rng(4)
    found = [study(rng, 0.3, seed_sd, sample_sd) for _ in range(1500)]
    held = np.mean([d.sample_low <= 0.3 <= d.sample_high for d in found])
    assert 0.93 <= held <= 0.975
    assert np.mean([d.low <= 0.3 <= d.high for d in found]) < held  # seeds alone say too much


def test_better_needs_both_intervals_and_is_else_probably_better():
    gaps = [1.0, 1.2, 0.8, 1.1, 0.9, 1.0]
    d, pairs = paired_difference(gaps, [0.0] * 6, rope=0.1), pair(gaps, [0.0] * 6)
    assert d.verdict == "better"
    calm, loud = [1.0, 1.01] * 10, [0.5, 1.5] * 10
    assert with_samples(d, pairs, calm, 0.0).verdict == "better"
    assert with_samples(d, pairs, loud, 0.0).verdict == "probably better"
    turned = paired_difference([0.0] * 6, gaps, rope=0.1)
    assert with_samples(turned, pair([0.0] * 6, gaps), loud, 0.0).verdict == "probably worse"


def test_where_seeds_draw_their_own_test_part_it_is_the_corrected_t_interval():
    """Nadeau and Bengio: 1/n + test/training in the place of 1/n; 2.228 is the t quantile of 10 degrees of freedom."""
    gaps = [0.3, -0.1, 0.4, 0.2, 0.0, 0.5, 0.1, 0.3, -0.2, 0.6, 0.2]
    d = with_samples(paired_difference(gaps, [0.0] * 11), pair(gaps, [0.0] * 11), [], 1 / 3)
    half = 2.2281388519649385 * statistics.stdev(gaps) * math.sqrt(1 / 11 + 1 / 3)
    assert (d.sample_low, d.sample_high) == pytest.approx((d.difference - half, d.difference + half))


@pytest.mark.parametrize("scores", [[1.0, math.nan, 0.5], [0.5, 0.5, 0.5]])
def test_nothing_is_said_where_a_trial_diverged_or_nothing_varies(scores):
    d = paired_difference(scores, [0.0] * 3)
    assert with_samples(d, pair(scores, [0.0] * 3), [0.1, 0.2], 0.5) == d and d.sample_low is None
