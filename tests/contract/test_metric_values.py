"""Every metric equals its oracle, for one model and for K, with and without weights, and however the data are cut."""

from __future__ import annotations

from fractions import Fraction

import numpy
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from metric_cases import options, oracle_of, rows, state, value

from steepest import metrics
from steepest.core.rows import Rows

CLASSIFICATION = [m for m in metrics if m.tally.reads == "classes"]
SCORES = [m for m in metrics if m.asks_from_logits]
NUMBERS = [m for m in metrics if m.tally.reads == "numbers"]
AVERAGED = [
    (m, a) for m in metrics if m.equals and "average" in m.hyper for a in m.hyper["average"].domain.values
    if a not in ("binary", "none")
]
PER_CLASS = [m for m in metrics if "average" in m.hyper and "none" in m.hyper["average"].domain.values]


def by_name(value):
    return getattr(value, "name", str(value))


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_the_value_equals_its_oracle_for_every_model(metric, weighted):
    prediction, seen, target, weight = rows(metric, 203, 3, seed=1)
    weight = weight if weighted else None
    values = value(metric, prediction, target, weight)
    assert values.shape == (3,) and values.dtype == torch.float64
    truth = [oracle_of(metric)(target, s, weight) for s in seen]
    assert values.tolist() == pytest.approx(truth, abs=1e-12, rel=1e-12)


@pytest.mark.parametrize(("metric", "average"), AVERAGED, ids=by_name)
def test_each_average_equals_its_twin(metric, average):
    prediction, seen, target, weight = rows(metric, 101, 2, seed=2)
    values = value(metric, prediction, target, weight, average=average)
    truth = [oracle_of(metric)(target, s, weight, average=average) for s in seen]
    assert values.tolist() == pytest.approx(truth, abs=1e-12)


@pytest.mark.parametrize("metric", [m for m in CLASSIFICATION if m.equals and "average" in m.hyper], ids=by_name)
def test_binary_speaks_of_the_second_of_two_classes(metric):
    prediction, seen, target, weight = rows(metric, 90, 2, seed=3, n_classes=2)
    values = metric(prediction, target, weight, average="binary")
    truth = [oracle_of(metric)(target, s, weight, average="binary") for s in seen]
    assert values.tolist() == pytest.approx(truth, abs=1e-12)


@pytest.mark.parametrize("metric", PER_CLASS, ids=by_name)
def test_values_per_class_average_to_the_value_of_all(metric):
    prediction, _, target, weight = rows(metric, 120, 2, seed=4)
    counted = state(metric, prediction, target, weight)
    each = metric.per_class(counted)
    assert each.shape == (2, 4)
    assert each.mean(-1).tolist() == pytest.approx(metric.value(counted, average="macro").tolist(), rel=1e-12)


@pytest.mark.parametrize("metric", [m for m in CLASSIFICATION if m.equals], ids=by_name)
def test_classes_that_nobody_predicts_or_has_are_counted_as_the_twin_does(metric):
    # class 2 is true and never predicted, 3 the other way, 4 neither
    scores = torch.eye(5)[torch.tensor([0, 0, 1, 1, 3, 3, 0])]
    target = torch.tensor([0, 1, 1, 2, 2, 0, 0])
    assert metric(scores, target).item() == pytest.approx(oracle_of(metric)(target, scores.argmax(-1)), abs=1e-12)
    if metric in PER_CLASS:
        assert metric.per_class(metric.state(scores, target))[4].isnan()


@st.composite
def hard_labels(draw):
    n, n_classes = draw(st.integers(1, 12)), draw(st.integers(2, 4))
    labels = st.lists(st.integers(0, n_classes - 1), min_size=n, max_size=n)
    return n_classes, draw(labels), draw(labels), draw(st.lists(st.floats(0.05, 8), min_size=n, max_size=n))


@pytest.mark.parametrize("metric", CLASSIFICATION, ids=by_name)
@settings(max_examples=25)
@given(case=hard_labels())
def test_any_few_labels_give_what_the_oracle_gives(metric, case):
    n_classes, predicted, target, weight = case
    weight = torch.tensor(weight, dtype=torch.float64)
    ours = metric(torch.tensor(predicted), torch.tensor(target), weight, n_classes=n_classes)
    truth = oracle_of(metric)(torch.tensor(target), torch.tensor(predicted), weight)
    assert ours.item() == pytest.approx(truth, abs=1e-12, nan_ok=True)


@st.composite
def few_scores(draw):
    """Scores on a coarse grid, so that many are equal; every class occurs."""
    n_classes, more = draw(st.integers(2, 4)), draw(st.integers(2, 10))
    n = n_classes + more
    target = [*range(n_classes), *draw(st.lists(st.integers(0, n_classes - 1), min_size=more, max_size=more))]
    steps = st.lists(st.integers(1, 4), min_size=n_classes, max_size=n_classes)
    return draw(st.lists(steps, min_size=n, max_size=n)), target, draw(st.lists(st.floats(0.05, 8), min_size=n, max_size=n))


@pytest.mark.parametrize("metric", [m for m in SCORES if m.equals], ids=by_name)
@settings(max_examples=25)
@given(case=few_scores())
def test_equal_scores_are_judged_as_the_twin_judges_them(metric, case):
    steps, target, weight = (torch.tensor(column, dtype=torch.float64) for column in case)
    p, target = steps / steps.sum(-1, keepdim=True), target.long()
    seen = p if p.shape[-1] > 2 else p[:, 1]
    ours = metric(p if p.shape[-1] > 2 else seen, target, weight, from_logits=False)
    assert ours.item() == pytest.approx(oracle_of(metric)(target, seen, weight), abs=1e-12)


@st.composite
def numbers(draw):
    n = draw(st.integers(2, 12))
    offset = draw(st.sampled_from([0.0, 1.0, 1e3, 1e6]))
    number = st.floats(-10, 10).map(lambda v: round(v, 3))
    target = draw(st.lists(number, min_size=n, max_size=n).filter(lambda v: len(set(v)) > 1))
    prediction = draw(st.lists(number, min_size=n, max_size=n).filter(lambda v: len(set(v)) > 1))
    weight = draw(st.lists(st.floats(0.05, 8), min_size=n, max_size=n))
    return [t + offset for t in target], [p + offset for p in prediction], weight


def exactly(name, target, prediction, weight):
    """The metric in exact arithmetic: at an offset of 1e6 the twin itself is not exact to 1e-12."""
    w, y, x = ([Fraction(v) for v in column] for column in (weight, target, prediction))
    error = [a - b for a, b in zip(x, y)]

    def spread(v, u):
        mean_v, mean_u = (sum(a * b for a, b in zip(w, values)) / sum(w) for values in (v, u))
        return sum(a * (b - mean_v) * (c - mean_u) for a, b, c in zip(w, v, u))

    means = [sum(a * b for a, b in zip(w, values)) / sum(w) for values in (x, y)]
    size = spread(x, x) + spread(y, y) + sum(w) * (means[0] - means[1]) ** 2
    return float(
        {
            "mean_absolute_error": sum(a * abs(e) for a, e in zip(w, error)) / sum(w),
            "mean_squared_error": sum(a * e * e for a, e in zip(w, error)) / sum(w),
            "mean_error": sum(a * e for a, e in zip(w, error)) / sum(w),
            "r2": 1 - sum(a * e * e for a, e in zip(w, error)) / spread(y, y),
            "explained_variance": 1 - spread(error, error) / spread(y, y),
            "pearson": spread(x, y) / Fraction(float(spread(x, x) * spread(y, y)) ** 0.5),
            "concordance": 2 * spread(x, y) / size,
        }[name]
    )


@pytest.mark.parametrize(
    "name",
    ["mean_absolute_error", "mean_squared_error", "mean_error", "r2", "explained_variance", "pearson", "concordance"],
)
@settings(max_examples=40)
@given(case=numbers())
@example(case=([1e6, 1e6 + 1e-3], [1e6, 1e6 + 1e-3], [1.0, 1.0]))
def test_targets_far_from_zero_lose_no_digits(name, case):
    target, prediction, weight = (torch.tensor(column, dtype=torch.float64) for column in case)
    truth = exactly(name, *(column.tolist() for column in (target, prediction, weight)))
    assert metrics[name](prediction, target, weight).item() == pytest.approx(truth, rel=1e-12, abs=1e-12)


def cuts_of(n):
    return st.lists(st.integers(0, n), max_size=6).map(lambda inner: [0, *sorted(inner), n])


@pytest.mark.parametrize("metric", metrics, ids=by_name)
@settings(max_examples=12)
@given(cuts=cuts_of(57), offset=st.sampled_from([0.0, 1e6]))
@example(cuts=[0, *range(1, 57), 57], offset=1e6)
def test_states_of_any_cut_add_up_to_the_state_of_the_whole(metric, cuts, offset):
    prediction, _, target, weight = rows(metric, 57, 2, seed=4)
    if metric.tally.reads == "numbers":
        prediction, target = prediction + offset, target + offset
    pieces = [state(metric, prediction[:, a:b], target[a:b], weight[a:b]) for a, b in zip(cuts, cuts[1:])]
    whole = value(metric, prediction, target, weight)
    assert metric.value(sum(pieces)).tolist() == pytest.approx(whole.tolist(), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("metric", [m for m in SCORES if "bins" in m.options], ids=by_name)
def test_logits_give_the_same_whether_they_come_in_one_batch_or_one_by_one(metric):
    """Torchmetrics guesses from the values of a batch whether they are logits; the same rows then differ by 0.1."""
    g = torch.Generator().manual_seed(0)
    target = torch.randint(2, (200,), generator=g)
    logits = torch.randn(200, generator=g) * 0.4 + target * 0.5
    whole = metric(logits, target, from_logits=True)
    pieces = [metric.state(logits[i : i + 1], target[i : i + 1], from_logits=True) for i in range(200)]
    assert metric.value(sum(pieces)).item() == pytest.approx(whole.item(), rel=1e-13)


@pytest.mark.parametrize("metric", NUMBERS, ids=by_name)
def test_batches_whose_targets_live_at_different_heights_add_up(metric):
    prediction, _, target, weight = rows(metric, 60, 2, seed=5)
    height = torch.tensor([0.0, 1e6, 3e4]).double().repeat_interleave(20)
    prediction, target = prediction + height, target + height
    pieces = [metric.state(prediction[:, a : a + 20], target[a : a + 20], weight[a : a + 20]) for a in (0, 20, 40)]
    truth = [oracle_of(metric)(target, p, weight) for p in prediction]
    # the oracle of a deviance loses digits where prediction and target are alike
    assert metric.value(sum(pieces)).tolist() == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_k_models_at_once_equal_a_loop(metric):
    prediction, _, target, weight = rows(metric, 80, 5, seed=6)
    loop = [value(metric, p, target, weight) for p in prediction]
    assert all(v.shape == () for v in loop)
    together = value(metric, prediction, target, weight)
    assert together.tolist() == pytest.approx([v.item() for v in loop], abs=1e-15, rel=1e-14)


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_each_model_may_have_its_own_targets_and_weights(metric):
    prediction, _, target, weight = rows(metric, 40, 3, seed=7)
    targets = torch.stack([target.roll(i, 0) for i in range(3)])
    weights = torch.stack([weight.roll(2 * i) for i in range(3)])
    loop = [value(metric, p, t, w).item() for p, t, w in zip(prediction, targets, weights)]
    assert value(metric, prediction, targets, weights).tolist() == pytest.approx(loop, abs=1e-15, rel=1e-14)


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_the_order_of_the_samples_does_not_matter(metric):
    prediction, _, target, weight = rows(metric, 70, 2, seed=8)
    order = torch.randperm(70, generator=torch.Generator().manual_seed(0))
    again = value(metric, prediction[:, order], target[order], weight[order])
    assert again.tolist() == pytest.approx(value(metric, prediction, target, weight).tolist(), rel=1e-13)


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_weight_two_is_the_row_twice_and_scaling_all_weights_changes_nothing(metric):
    prediction, _, target, _ = rows(metric, 30, 2, seed=9)
    weight = torch.ones(30).double()
    weight[:7] = 2
    twice = value(metric, torch.cat([prediction, prediction[:, :7]], 1), torch.cat([target, target[:7]]))
    assert value(metric, prediction, target, weight).tolist() == pytest.approx(twice.tolist(), rel=1e-12)
    if not metric.counts_samples:
        assert value(metric, prediction, target, 3 * weight).tolist() == pytest.approx(twice.tolist(), rel=1e-12)


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_rows_of_weight_zero_are_not_read_even_when_they_hold_nonsense(metric):
    prediction, _, target, weight = rows(metric, 30, 2, seed=10)
    kept = value(metric, prediction[:, 5:], target[5:], weight[5:])
    prediction, weight = prediction.clone(), weight.clone()
    weight[:5] = 0
    if prediction.is_floating_point():
        prediction[:, :5] = torch.nan
    target = target.to(torch.int64) if target.dtype == torch.bool else target.clone()
    target[:5] = torch.nan if target.is_floating_point() else -100
    assert value(metric, prediction, target, weight).tolist() == pytest.approx(kept.tolist(), rel=1e-12)


@pytest.mark.parametrize("metric", [m for m in metrics if m.tally.reads != "label decisions"], ids=by_name)
def test_a_model_that_gives_nan_scores_nan_and_its_neighbours_keep_their_bits(metric):
    prediction, _, target, _ = rows(metric, 30, 3, seed=11)
    clean = value(metric, prediction, target)
    broken = prediction.clone()
    broken[1, 4] = torch.nan
    values = value(metric, broken, target)
    assert values[1].isnan() and values[0] == clean[0] and values[2] == clean[2]


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_no_sample_gives_nan_and_adds_nothing(metric):
    prediction, _, target, _ = rows(metric, 30, 2, seed=12)
    empty = state(metric, prediction[:, :0], target[:0])
    assert metric.value(empty).isnan().all()
    counted = state(metric, prediction, target)
    assert torch.equal(metric.value(counted + empty), metric.value(counted))


@pytest.mark.parametrize("metric", [m for m in metrics if m.tally.reads != "label decisions"], ids=by_name)
def test_gradients_do_not_leak_into_a_state(metric):
    prediction, _, target, _ = rows(metric, 10, 1, seed=13)
    counted = state(metric, prediction.requires_grad_(), target)
    assert not (counted.prediction if isinstance(counted, Rows) else counted).requires_grad


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("metric", [m for m in metrics if m.tally.reads != "label decisions"], ids=by_name)
def test_lower_precision_predictions_are_judged_in_float64(metric, dtype):
    prediction, _, target, _ = rows(metric, 50, 2, seed=14)
    low = prediction.to(dtype)
    if metric.tally.reads != "numbers" and metric.asks_from_logits:  # what is read of rounded logits
        assert metric(low, target, from_logits=True).tolist() == metric(low.double(), target, from_logits=True).tolist()
    else:
        assert metric(low, target).tolist() == metric(low.double(), target).tolist()


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_rows_are_a_state_that_slices_and_moves_to_an_equal_value(metric):
    prediction, _, target, weight = rows(metric, 40, 2, seed=16)
    kept = metric.rows(prediction, target, weight, **options(metric))
    assert len(kept) == 40
    whole = value(metric, prediction, target, weight)
    assert metric.value(kept.to("cpu")).tolist() == pytest.approx(whole.tolist(), rel=1e-13)
    mask = torch.arange(40) % 3 == 0
    part = value(metric, prediction[:, mask], target[mask], weight[mask])
    assert metric.value(kept.take(mask)).tolist() == pytest.approx(part.tolist(), rel=1e-13)
    assert metric.value(kept.take(mask) + kept.take(~mask)).tolist() == pytest.approx(whole.tolist(), rel=1e-12)


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_declarations_say_what_a_reader_needs(metric):
    assert metric.best in ("max", "min") and metric.unit in ("share", "target", "target squared", "")
    assert metric.use.endswith(".") and metric.source and metric.formula and metric.purpose
    assert bool(metric.equals) != bool(metric.slow)
    assert all(h.domain is not None for h in metric.hyper.values())
    assert metric.name in metrics and getattr(metrics, metric.name) is metric


@pytest.mark.parametrize("metric", [m for m in metrics if m.name != "mean_error"], ids=by_name)
def test_the_better_of_two_models_is_the_one_that_best_points_at(metric):
    _, _, target, _ = rows(metric, 60, 1, seed=15)
    right = torch.eye(4).double()[target] if metric.task == "classification" else target
    if metric.tally.reads == "label scores":
        right = right.double()
    values = value(metric, torch.stack([right, right.roll(1, 0)]), target)
    assert (values.argmax() if metric.best == "max" else values.argmin()) == 0


# -- what only some have -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", [m for m in SCORES if m.equals], ids=by_name)
def test_logits_of_ten_thousand_are_judged_without_loss(metric):
    """Their sigmoids are all 0 or 1 in any precision; torchmetrics then gives an AUROC of 0.5."""
    import sklearn.metrics

    target = torch.tensor([0, 0, 0, 1, 1, 1, 1])
    logits = torch.tensor([9000.0, 9500.0, 9700.0, 9600.0, 9800.0, 9900.0, 10000.0])
    for scores in (logits, logits.unsqueeze(-1), torch.stack([torch.zeros(7), logits], -1)):
        assert metric(scores, target, from_logits=True).isfinite()
    if "bins" in metric.options:
        twin = getattr(sklearn.metrics, metric.equals.rpartition(".")[2])
        assert metric(logits, target).item() == pytest.approx(twin(target, logits), abs=1e-12)
        three = torch.stack([torch.zeros(7), logits, torch.full((7,), 50.0)], -1)
        each = metric(three, target, from_logits=True, average="none")
        assert each[1].item() == pytest.approx(twin(target, logits), abs=1e-12)


def test_scores_of_classes_are_ordered_by_their_odds_against_all_others():
    """The logit of a class alone orders the samples otherwise than its probability does."""
    g = torch.Generator().manual_seed(2)
    z, target = torch.randn(400, 5, generator=g).double() * 3, torch.randint(5, (400,), generator=g)
    for metric in (metrics.auroc, metrics.average_precision):
        by_odds, by_probability = (metric(s, target, from_logits=f) for s, f in ((z, True), (z.softmax(-1), False)))
        assert by_odds.item() == pytest.approx(by_probability.item(), abs=1e-12)


def test_pairs_of_classes_are_compared_as_the_twin_compares_them():
    import sklearn.metrics

    p, _, target, _ = rows(metrics.auroc, 150, 1, seed=3)
    for average in ("macro", "weighted"):
        ours = metrics.auroc(p[0], target, from_logits=False, multi_class="ovo", average=average)
        twin = sklearn.metrics.roc_auc_score(target, p[0], multi_class="ovo", average=average)
        assert ours.item() == pytest.approx(twin, abs=1e-12)


@pytest.mark.parametrize("bins", [16, 256, 4096])
def test_a_histogram_of_scores_is_as_far_off_as_it_says_at_most(bins):
    from steepest.metrics.ranking import area_error, mean_precision_bounds

    g = torch.Generator().manual_seed(5)
    target = (torch.rand(3000, generator=g) < 0.2).long()
    logits = torch.randn(3000, generator=g).double() * 2 + 1.5 * target
    counted = metrics.auroc.state(logits, target, from_logits=True, bins=bins)
    error = (metrics.auroc.value(counted) - metrics.auroc(logits, target)).abs()
    assert error <= area_error(counted) and area_error(counted) < 2 / bins
    exact = metrics.average_precision(logits, target)
    low, high = mean_precision_bounds(counted)
    assert low <= exact <= high and metrics.average_precision.value(counted) <= high


@pytest.mark.parametrize("weights", ["linear", "quadratic"])
def test_kappa_of_ordered_classes_weighs_near_misses_as_the_twin_does(weights):
    from sklearn.metrics import cohen_kappa_score

    prediction, seen, target, weight = rows(metrics.cohen_kappa, 99, 1, seed=5)
    twin = cohen_kappa_score(target, seen[0], weights=weights, sample_weight=weight)
    assert metrics.cohen_kappa(prediction[0], target, weight, weights=weights).item() == pytest.approx(twin, abs=1e-12)


@pytest.mark.parametrize("power", [-1.0, 0.0, 1.0, 1.3, 2.0, 3.0])
def test_tweedie_deviances_equal_the_twin_at_every_power(power):
    from sklearn.metrics import mean_tweedie_deviance

    prediction, _, target, weight = rows(metrics.mean_tweedie_deviance, 60, 1, seed=6)
    twin = mean_tweedie_deviance(target, prediction[0], sample_weight=weight, power=power)
    ours = metrics.mean_tweedie_deviance(prediction[0], target, weight, power=power)
    assert ours.item() == pytest.approx(twin, rel=1e-12)


@pytest.mark.parametrize("norm", ["l1", "max"])
def test_calibration_errors_agree_with_a_loop_over_their_bins(norm):
    p, _, target, _ = rows(metrics.expected_calibration_error, 500, 1, seed=7)
    confidence, right = p[0].max(-1).values.numpy(), (p[0].argmax(-1) == target).double().numpy()
    edges = numpy.linspace(0, 1, 11)
    inside = [(confidence > a) & (confidence <= b) for a, b in zip(edges, edges[1:])]
    gaps = [abs(confidence[i].mean() - right[i].mean()) if i.any() else 0.0 for i in inside]
    truth = max(gaps) if norm == "max" else sum(g * i.mean() for g, i in zip(gaps, inside))
    ours = metrics.expected_calibration_error(p[0], target, from_logits=False, bins=10, norm=norm)
    assert ours.item() == pytest.approx(truth, abs=1e-12)


def test_the_parts_of_a_brier_score_add_up_to_it_where_every_bin_holds_one_probability():
    from steepest.metrics.calibration import brier_parts

    g = torch.Generator().manual_seed(8)
    one = torch.randint(1, 10, (400,), generator=g).double() / 10 - 0.05
    target = (torch.rand(400, generator=g) < one).long()
    counted = metrics.classwise_calibration_error.state(one, target, from_logits=False, bins=10)
    reliability, resolution, uncertainty = brier_parts(counted)
    assert (reliability - resolution + uncertainty).item() == pytest.approx(
        metrics.brier(one, target, from_logits=False).item(), abs=1e-12
    )


def test_ranks_and_medians_of_equal_numbers_agree_with_scipy_and_scikit_learn():
    import scipy.stats
    import sklearn.metrics

    g = torch.Generator().manual_seed(9)
    x, y = torch.randint(5, (60,), generator=g).double(), torch.randint(4, (60,), generator=g).double()
    weight = torch.randint(0, 4, (60,), generator=g).double()
    assert metrics.spearman(x, y).item() == pytest.approx(scipy.stats.spearmanr(x, y).statistic, abs=1e-12)
    twin = sklearn.metrics.median_absolute_error(y, x, sample_weight=weight)
    assert metrics.median_absolute_error(x, y, weight).item() == twin
    assert metrics.median_absolute_error(x, y).item() == sklearn.metrics.median_absolute_error(y, x)


def test_counting_in_one_pass_gives_the_bits_of_torch_s_way(monkeypatch):
    from steepest.kernels import class_counts

    monkeypatch.setattr(class_counts, "FEWEST", 0)
    g = torch.Generator().manual_seed(11)
    for dtype in (torch.float32, torch.float64):
        scores = torch.randint(5, (3, 205, 7), generator=g).to(dtype)  # many of equal size: the first wins
        shared, own = torch.randint(7, (205,), generator=g), torch.randint(7, (3, 205), generator=g)
        for target in (shared, own):
            whole = metrics.accuracy.tally.count(metrics.accuracy.rows(scores, target))
            quick = class_counts.count_classes(scores, target)
            assert quick is None or torch.equal(quick, whole)  # None without a compiler
            assert torch.equal(metrics.accuracy.state(scores, target), whole)
        broken = scores.clone()
        broken[1, 200, 6] = torch.nan
        assert metrics.accuracy(broken, shared).isnan().tolist() == [False, True, False]
        assert class_counts.count_classes(scores, shared - 1) is None


def test_an_infinite_logit_comes_before_all_others_of_its_class_and_after_all_of_the_rest():
    inf = torch.inf
    logits = torch.tensor([[inf, 0.0, 1.0], [0.0, 0.0, 2.0], [1.0, 2.0, 3.0], [5.0, -inf, 0.0]])
    each = metrics.auroc(logits, torch.tensor([0, 1, 2, 0]), from_logits=True, average="none")
    assert each.tolist() == [1.0, 2 / 3, 2 / 3]


def test_a_calibration_error_needs_a_bin():
    from steepest.core.errors import DomainError

    with pytest.raises(DomainError, match="at least 1"):
        metrics.expected_calibration_error(torch.randn(4), torch.tensor([0, 1, 1, 0]), from_logits=True, bins=0)
