"""Every value has an interval that holds it, keeps its range, narrows with more samples, and says when it may be too narrow."""

from __future__ import annotations

import math

import numpy
import pytest
import scipy.stats
import torch
from metric_cases import options, rows

from steepest import metrics
from steepest.core.errors import DomainError, MetricError, ShapeError, UsageError
from steepest.core.interval import Interval, clopper_pearson, freedom_of, t_quantile, wilson

SHARES = [m for m in metrics if m.share is not None and m.tally.n_cells]
COUNTED = [m for m in metrics if m.tally.n_cells]
IN_RANGE = [m for m in metrics if m.unit == "share"]


def by_name(value):
    return getattr(value, "name", str(value))


def kept(metric, n, k=1, seed=1, weighted=False):
    prediction, _, target, weight = rows(metric, n, k, seed)
    return metric.rows(prediction, target, weight if weighted else None, **options(metric))


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_the_interval_holds_the_value_and_every_model_has_its_own(metric):
    state = kept(metric, 150, k=2, weighted=True)
    at = metric.interval(state, replicates=200)
    assert at.value.shape == at.low.shape == at.high.shape == (2,) and at.value.dtype == torch.float64
    assert (at.low <= at.value).all() and (at.value <= at.high).all()
    assert at.value.tolist() == metric.value(state).tolist()
    assert at.is_flagged and ("fewer than 200" in at.note or "same value" in at.note)
    assert str(at).startswith(f"{at.value[0].item():.4g} [")


@pytest.mark.parametrize("metric", [m for m in metrics if m.name != "max_error"], ids=by_name)
def test_four_times_the_samples_make_it_about_half_as_wide(metric):
    narrow, wide = (metric.interval(kept(metric, n, seed=2), replicates=300) for n in (1200, 300))
    ratio = (wide.high - wide.low) / (narrow.high - narrow.low)
    assert 1.2 < ratio.item() < 3.5
    assert not narrow.note


@pytest.mark.parametrize("metric", IN_RANGE, ids=by_name)
def test_the_interval_of_a_share_stays_between_0_and_1(metric):
    at = metric.interval(kept(metric, 40, k=3, seed=3), replicates=100)
    assert (at.low >= 0).all() and (at.high <= 1).all()


@pytest.mark.parametrize("metric", COUNTED, ids=by_name)
def test_counts_of_classes_suffice_and_give_about_what_their_rows_give(metric):
    whole = kept(metric, 600, seed=4)
    of_counts, of_rows = (
        metric.interval(state, method="bootstrap", replicates=2000, seed=1) for state in (metric.tally.count(whole), whole)
    )
    width = of_rows.high - of_rows.low
    # 2000 replicates tell a bound to about a tenth of the standard error, a 25th of the width
    assert ((of_counts.low - of_rows.low).abs() < 0.12 * width).all()
    assert ((of_counts.high - of_rows.high).abs() < 0.12 * width).all()


@pytest.mark.parametrize("metric", COUNTED, ids=by_name)
def test_weighted_counts_cannot_be_drawn_and_the_error_names_the_rows(metric):
    state = kept(metric, 50, weighted=True)
    with pytest.raises(MetricError) as caught:
        metric.interval(metric.tally.count(state), method="bootstrap")
    assert f"metrics.{metric.name}.rows(" in caught.value.repair


@pytest.mark.parametrize("metric", SHARES, ids=by_name)
def test_shares_have_wilsons_interval_and_that_of_clopper_and_pearson_is_wider(metric):
    state = metric.tally.count(kept(metric, 300, seed=5))
    hyper = {"average": "micro"} if "average" in metric.hyper else {}
    at, exact = metric.interval(state, **hyper), metric.interval(state, method="clopper_pearson", **hyper)
    assert at.method == "wilson" and exact.method == "clopper_pearson"
    assert exact.low < at.low and exact.high > at.high
    drawn = metric.interval(state, method="bootstrap", replicates=2000, **hyper)
    assert abs(drawn.low - at.low) < 0.25 * (at.high - at.low)


@pytest.mark.parametrize(("hits", "tries"), [(0, 10), (3, 10), (10, 10), (137, 200), (1, 100000)])
def test_intervals_of_shares_equal_those_of_scipy(hits, tries):
    test = scipy.stats.binomtest(hits, tries)
    counts = torch.tensor(float(hits)), torch.tensor(float(tries))
    for ours, name in ((wilson, "wilson"), (clopper_pearson, "exact")):
        low, high = ours(*(c.double() for c in counts), 0.9)
        truth = test.proportion_ci(0.9, method=name)
        assert (low.item(), high.item()) == pytest.approx((truth.low, truth.high), abs=1e-12)


def test_delong_s_variance_equals_the_sum_over_all_pairs():
    from steepest.metrics.delong import spread

    g = torch.Generator().manual_seed(6)
    y, x = torch.randint(2, (60,), generator=g), torch.randint(6, (60,), generator=g).double()
    x = x + y
    wins = (x[y == 1].unsqueeze(1) > x[y == 0]).double() + (x[y == 1].unsqueeze(1) == x[y == 0]).double() / 2
    of_positive, of_negative = wins.mean(1), wins.mean(0)
    truth = of_positive.var() / len(of_positive) + of_negative.var() / len(of_negative)
    assert spread(metrics.auroc.rows(x, y))[0].item() == pytest.approx(truth.item(), rel=1e-12)
    counted = metrics.auroc.state(x, y, bins=4096)
    assert spread(counted)[0].item() == pytest.approx(truth.item(), rel=0.05)


def test_the_interval_of_a_mean_is_about_that_of_student():
    g = torch.Generator().manual_seed(7)
    for error, lowest, highest in (
        (torch.randn(500, generator=g).double() + 9, -0.03, 0.03),
        # skewed, and a few errors make up most of the spread: the upper bound lies higher and the whole is wider
        (torch.randn(500, generator=g).double().exp(), 0.05, 0.35),
    ):
        rows = metrics.mean_absolute_error.rows(error, torch.zeros(500))
        at = metrics.mean_absolute_error.interval(rows, replicates=4000)
        low, high = scipy.stats.t.interval(0.95, 499, error.mean(), error.std() / 500**0.5)
        assert lowest < (at.high - high) / (high - low) < highest and abs(at.low - low) < 0.06 * (high - low)


@pytest.mark.parametrize("n_heavy", [2, 10, 200])
def test_a_spread_of_few_units_has_as_many_degrees_of_freedom_as_these(n_heavy):
    """Of 200 units n_heavy pull alike and the others not: 2 / (1 / n_heavy - 1 / 200)."""
    pulls = torch.zeros(200, dtype=torch.float64)
    pulls[:n_heavy] = 0.3
    found = freedom_of(pulls.square().sum(), pulls.pow(4).sum(), torch.tensor(200.0, dtype=torch.float64))
    truth = math.inf if n_heavy == 200 else 2 / (1 / n_heavy - 1 / 200)
    assert found.item() == pytest.approx(truth, rel=1e-9) if n_heavy < 200 else found > 1e6
    assert t_quantile(0.975, found).item() == pytest.approx(scipy.stats.t.ppf(0.975, min(truth, 1e9)), rel=1e-5)


CALIBRATION = ["expected_calibration_error", "adaptive_calibration_error", "debiased_calibration_error"]


@pytest.mark.parametrize("name", CALIBRATION)
def test_the_interval_of_a_calibration_error_reaches_0_for_a_perfect_model_and_not_for_a_bad_one(name):
    metric, g = metrics[name], torch.Generator().manual_seed(3)
    p = torch.rand(400, generator=g).double() / 2 + 0.5
    right = torch.rand(400, generator=g) < p
    scores = torch.stack([p, 1 - p], 1)
    perfect = metric.interval(metric.rows(scores, (~right).long(), from_logits=False))
    bad = metric.interval(metric.rows(scores, (torch.arange(400) % 2), from_logits=False))
    assert perfect.low == 0 and perfect.high < 0.12
    truth = math.sqrt(float((p - 0.5).square().mean())) if "debiased" in name else float((p - 0.5).mean())
    assert 0.1 < bad.low < truth < bad.high < 0.4


@pytest.mark.slow  # 300 intervals
@pytest.mark.parametrize("name", CALIBRATION)
def test_calibration_errors_of_200_samples_are_held_by_their_intervals(name):
    """Confidence c where c - 0.1 is right: the error is 0.1 in every bin. 3 standard errors of 300 samples below 95 %."""
    metric, g, hits = metrics[name], torch.Generator().manual_seed(4), 0.0
    for start in range(12):
        p = torch.rand(25, 200, generator=g).double() * 0.35 + 0.6
        right = torch.rand(25, 200, generator=g) < p - 0.1
        rows = metric.rows(torch.stack([p, 1 - p], -1), (~right).long(), from_logits=False)
        at = metric.interval(rows, replicates=300, seed=start)
        hits += ((at.low <= 0.1) & (0.1 <= at.high)).double().sum().item()
    assert hits / 300 > 0.95 - 3 * (0.95 * 0.05 / 300) ** 0.5


def test_a_largest_error_always_says_that_no_sample_tells_how_far_off_it_is():
    rows = metrics.max_error.rows(torch.randn(500, 1, generator=torch.Generator().manual_seed(5)), torch.zeros(500, 1))
    assert "this sample alone" in metrics.max_error.interval(rows).note


def test_values_per_class_have_an_interval_each_and_a_rare_class_is_flagged():
    target = torch.tensor([0] * 200 + [1] * 100 + [2] * 4)
    state = metrics.recall.state(target.roll(20), target)
    each = metrics.recall.interval(state, average="none")
    assert each.method == "wilson" and each.low.shape == (3,)
    assert (each.high - each.low)[2] > 3 * (each.high - each.low)[0]
    assert "4 samples" in metrics.f1.interval(metrics.f1.state(target.roll(20), target)).note


def test_a_perfect_score_is_flagged_where_the_sample_cannot_tell_how_far_off_it_is():
    target = torch.arange(300) % 3
    at = metrics.f1.interval(metrics.f1.state(target, target))
    assert at.value == at.low == at.high == 1 and "does not tell" in at.note
    share = metrics.accuracy.interval(metrics.accuracy.state(target, target))
    assert 0.98 < share.low < 1 and not share.note


def test_many_samples_cost_no_more_than_few_and_give_the_interval_of_all():
    """Beyond 2048 the samples are drawn in random blocks."""
    g = torch.Generator().manual_seed(8)
    error = torch.randn(20_000, generator=g).double()
    metric = metrics.mean_squared_error
    at = metric.interval(metric.rows(error, torch.zeros(20_000)))
    half = 1.96 * (error**2).std() / 20_000**0.5
    assert (at.high - at.low).item() / 2 == pytest.approx(half.item(), rel=0.1)


def test_groups_are_drawn_together():
    """Every image has one error, repeated over its 50 pixels: there are 40 samples, not 2000."""
    g = torch.Generator().manual_seed(9)
    image = torch.arange(40).repeat_interleave(50)[torch.randperm(2000, generator=g)]
    error = torch.randn(40, generator=g).double()[image]
    for metric in (metrics.mean_squared_error, metrics.median_absolute_error):
        state = metric.rows(error, torch.zeros(2000))
        alone, together = metric.interval(state), metric.interval(state, groups=image)
        assert together.n == 40 and "40 samples" in together.note
        assert (together.high - together.low) > 4 * (alone.high - alone.low)


def test_a_paired_difference_is_told_more_sharply_than_two_intervals_would():
    g = torch.Generator().manual_seed(10)
    target = torch.randint(3, (500,), generator=g)
    one = target.where(torch.rand(500, generator=g) < 0.8, (target + 1) % 3)
    other = one.where(torch.rand(500, generator=g) < 0.97, target)  # right in some more
    for metric in (metrics.accuracy, metrics.f1):
        a, b = (metric.rows(p, target, n_classes=3) for p in (other, one))
        at = metric.difference(a, b)
        assert at.value == metric.value(a) - metric.value(b) and at.low > 0
        assert metric.interval(b, method="bootstrap").high > metric.interval(a, method="bootstrap").low
        same = metric.difference(a, a)
        assert same.low == same.high == 0 and same.is_flagged


def test_the_same_seed_repeats_the_bits_and_neighbours_change_nothing():
    metric = metrics.f1
    several = metric.tally.count(kept(metric, 300, k=3))
    again = [metric.interval(several, replicates=200).low for _ in range(2)]
    assert torch.equal(*again)
    assert metric.interval(several[1], replicates=200).low == again[0][1]
    assert metric.interval(several, replicates=200, seed=5).low[0] != again[0][0]


def test_several_metrics_share_their_draws():
    state = metrics.f1.tally.count(kept(metrics.f1, 300, k=2))
    together = metrics.f1.intervals(state, [metrics.f1, (metrics.fbeta, {"beta": 1.0}), metrics.accuracy])
    assert torch.equal(together[0].low, metrics.f1.interval(state).low)
    assert together[1].low.tolist() == pytest.approx(together[0].low.tolist(), abs=1e-12)
    assert together[2].method == "wilson"


def test_what_an_interval_cannot_be_asked_is_refused():
    state = kept(metrics.accuracy, 50)
    with pytest.raises(DomainError, match="level"):
        metrics.accuracy.interval(state, level=95)
    with pytest.raises(DomainError, match="100"):
        metrics.accuracy.interval(state, replicates=5)
    with pytest.raises(UsageError, match="wilson, clopper_pearson, bootstrap"):
        metrics.accuracy.interval(state, method="delong")
    with pytest.raises(ShapeError):
        metrics.accuracy.difference(state, state.take(torch.arange(10)))
    with pytest.raises(ShapeError, match="one number per sample"):
        metrics.accuracy.interval(state, groups=torch.arange(10))
    sums = metrics.mean_squared_error.tally.count(kept(metrics.mean_squared_error, 50))
    with pytest.raises(MetricError, match="rows"):
        metrics.mean_squared_error.interval(sums)


def test_an_interval_is_a_plain_record():
    at = Interval(torch.tensor([0.5, 0.25]), torch.tensor([0.4, 0.2]), torch.tensor([0.6, 0.3]), 0.95, "wilson", 300.0)
    assert str(at) == "0.5 [0.4, 0.6]\n0.25 [0.2, 0.3]" and not at.is_flagged


def test_no_samples_give_nan_bounds():
    at = metrics.accuracy.interval(metrics.accuracy.state(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long)))
    assert at.value.isnan() and at.low.isnan() and at.high.isnan()
    assert numpy.isfinite(at.n)
