"""Every metric equals its declared twin, for one model and for K, with and without weights, and however the data are cut."""

from __future__ import annotations

import importlib
import warnings
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from steepest import metrics
from steepest.core.domains import OneOf

CLASSIFICATION = [m for m in metrics if m.task == "classification"]
REGRESSION = [m for m in metrics if m.task == "regression"]
AVERAGED = [(m, a) for m in metrics for a in (m.hyper["average"].domain.values if "average" in m.hyper else ()) if a != "binary"]


def by_name(value):
    return getattr(value, "name", str(value))


def twin_of(metric):
    """The declared twin as a function (target, prediction, sample_weight, **hyper) -> float."""
    module, _, name = metric.equals.rpartition(".")
    twin = getattr(importlib.import_module(module), name)

    def call(target, prediction, weight=None, **hyper):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn warns where a class was never predicted
            given = {k: v for k, v in {**metric.equals_with, **hyper}.items()}
            return float(twin(np.asarray(target), np.asarray(prediction), sample_weight=None if weight is None else np.asarray(weight), **given))

    return call


def rows(metric, n, k, seed, n_classes=4):
    """Predictions of k models (k, n, ...), what the twin reads of them, targets, weights."""
    g = torch.Generator().manual_seed(seed)
    weight = torch.rand(n, generator=g, dtype=torch.float64) + 0.1
    if metric.task == "classification":
        scores = torch.randn(k, n, n_classes, generator=g)
        return scores, scores.argmax(-1), torch.randint(n_classes, (n,), generator=g), weight
    target = torch.randn(n, generator=g, dtype=torch.float64)
    prediction = target + torch.randn(k, n, generator=g, dtype=torch.float64)
    return prediction, prediction, target, weight


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_the_value_equals_its_twin_for_every_model(metric, weighted):
    prediction, seen, target, weight = rows(metric, 203, 3, seed=1)
    weight = weight if weighted else None
    values = metric(prediction, target, weight)
    assert values.shape == (3,) and values.dtype == torch.float64
    for k in range(3):
        assert values[k].item() == pytest.approx(twin_of(metric)(target, seen[k], weight), abs=1e-12, rel=1e-12)


@pytest.mark.parametrize(("metric", "average"), AVERAGED, ids=by_name)
def test_each_average_equals_its_twin(metric, average):
    prediction, seen, target, weight = rows(metric, 101, 2, seed=2)
    values = metric(prediction, target, weight, average=average)
    assert values.tolist() == pytest.approx([twin_of(metric)(target, s, weight, average=average) for s in seen], abs=1e-12)


@pytest.mark.parametrize("metric", [m for m, a in AVERAGED if a == "macro"], ids=by_name)
def test_binary_speaks_of_the_second_of_two_classes(metric):
    prediction, seen, target, weight = rows(metric, 90, 2, seed=3, n_classes=2)
    values = metric(prediction, target, weight, average="binary")
    assert values.tolist() == pytest.approx([twin_of(metric)(target, s, weight, average="binary") for s in seen], abs=1e-12)


@pytest.mark.parametrize("metric", CLASSIFICATION, ids=by_name)
def test_classes_that_nobody_predicts_or_has_are_counted_as_the_twin_does(metric):
    scores = torch.eye(5)[torch.tensor([0, 0, 1, 1, 3, 3, 0])]  # class 2 is true and never predicted, 3 the other way, 4 neither
    target = torch.tensor([0, 1, 1, 2, 2, 0, 0])
    assert metric(scores, target).item() == pytest.approx(twin_of(metric)(target, scores.argmax(-1)), abs=1e-12)


@st.composite
def hard_labels(draw):
    n, n_classes = draw(st.integers(1, 12)), draw(st.integers(2, 4))
    labels = st.lists(st.integers(0, n_classes - 1), min_size=n, max_size=n)
    return n_classes, draw(labels), draw(labels), draw(st.lists(st.floats(0.05, 8), min_size=n, max_size=n))


@pytest.mark.parametrize("metric", CLASSIFICATION, ids=by_name)
@settings(max_examples=40)
@given(case=hard_labels())
def test_any_few_labels_give_what_the_twin_gives(metric, case):
    n_classes, predicted, target, weight = case
    ours = metric(torch.tensor(predicted), torch.tensor(target), torch.tensor(weight, dtype=torch.float64), options={"n_classes": n_classes})
    assert ours.item() == pytest.approx(twin_of(metric)(target, predicted, weight), abs=1e-12)


@st.composite
def numbers(draw):
    n = draw(st.integers(2, 12))
    offset = draw(st.sampled_from([0.0, 1.0, 1e3, 1e6]))
    value = st.floats(-10, 10).map(lambda v: round(v, 3))
    target = draw(st.lists(value, min_size=n, max_size=n).filter(lambda v: len(set(v)) > 1))
    prediction = draw(st.lists(value, min_size=n, max_size=n))
    return [t + offset for t in target], [p + offset for p in prediction], draw(st.lists(st.floats(0.05, 8), min_size=n, max_size=n))


def fractions_truth(name, target, prediction, weight):
    """The metric in exact arithmetic: at an offset of 1e6 the twin itself is not exact to 1e-12."""
    w, y, x = ([Fraction(v) for v in column] for column in (weight, target, prediction))
    error = [a - b for a, b in zip(x, y)]
    if name == "mean_absolute_error":
        return float(sum(a * abs(e) for a, e in zip(w, error)) / sum(w))
    missed = sum(a * e * e for a, e in zip(w, error))
    if name == "mean_squared_error":
        return float(missed / sum(w))
    mean = sum(a * b for a, b in zip(w, y)) / sum(w)
    return float(1 - missed / sum(a * (b - mean) ** 2 for a, b in zip(w, y)))


@pytest.mark.parametrize("metric", [m for m in REGRESSION if m.name in ("mean_absolute_error", "mean_squared_error", "r2")], ids=by_name)
@settings(max_examples=60)
@given(case=numbers())
@example(case=([1e6, 1e6 + 1e-3], [1e6, 1e6], [1.0, 1.0]))
def test_targets_far_from_zero_lose_no_digits(metric, case):
    target, prediction, weight = (torch.tensor(column, dtype=torch.float64) for column in case)
    truth = fractions_truth(metric.name, *(column.tolist() for column in (target, prediction, weight)))
    assert metric(prediction, target, weight).item() == pytest.approx(truth, rel=1e-12, abs=1e-12)


def cuts_of(n):
    return st.lists(st.integers(0, n), max_size=6).map(lambda inner: [0, *sorted(inner), n])


@pytest.mark.parametrize("metric", metrics, ids=by_name)
@settings(max_examples=25)
@given(cuts=cuts_of(57), offset=st.sampled_from([0.0, 1e6]))
@example(cuts=[0, *range(1, 57), 57], offset=1e6)
def test_states_of_any_cut_add_up_to_the_state_of_the_whole(metric, cuts, offset):
    prediction, _, target, weight = rows(metric, 57, 2, seed=4)
    if metric.task == "regression":
        prediction, target = prediction + offset, target + offset
    pieces = [metric.state(prediction[:, a:b], target[a:b], weight[a:b]) for a, b in zip(cuts, cuts[1:])]
    whole = metric(prediction, target, weight)
    assert metric.value(sum(pieces)).tolist() == pytest.approx(whole.tolist(), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("metric", REGRESSION, ids=by_name)
def test_batches_whose_targets_live_at_different_heights_add_up(metric):
    prediction, _, target, weight = rows(metric, 60, 2, seed=5)
    height = torch.tensor([0.0, 1e6, -3e4]).double().repeat_interleave(20)
    prediction, target = prediction + height, target + height
    pieces = [metric.state(prediction[:, a : a + 20], target[a : a + 20], weight[a : a + 20]) for a in (0, 20, 40)]
    twin = [twin_of(metric)(target, p, weight) for p in prediction]
    assert metric.value(sum(pieces)).tolist() == pytest.approx(twin, rel=1e-12)


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_k_models_at_once_equal_a_loop(metric):
    prediction, _, target, weight = rows(metric, 80, 5, seed=6)
    loop = [metric(p, target, weight) for p in prediction]
    assert all(value.shape == () for value in loop)
    assert metric(prediction, target, weight).tolist() == pytest.approx([v.item() for v in loop], abs=1e-15)


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_each_model_may_have_its_own_targets_and_weights(metric):
    prediction, _, target, weight = rows(metric, 40, 3, seed=7)
    targets, weights = torch.stack([target.roll(i) for i in range(3)]), torch.stack([weight.roll(2 * i) for i in range(3)])
    loop = [metric(p, t, w).item() for p, t, w in zip(prediction, targets, weights)]
    assert metric(prediction, targets, weights).tolist() == pytest.approx(loop, abs=1e-15)


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_the_order_of_the_samples_does_not_matter(metric):
    prediction, _, target, weight = rows(metric, 70, 2, seed=8)
    order = torch.randperm(70, generator=torch.Generator().manual_seed(0))
    again = metric(prediction[:, order], target[order], weight[order])
    assert again.tolist() == pytest.approx(metric(prediction, target, weight).tolist(), rel=1e-13)


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_weight_two_is_the_row_twice_and_scaling_all_weights_changes_nothing(metric):
    prediction, _, target, _ = rows(metric, 30, 2, seed=9)
    weight = torch.ones(30).double()
    weight[:7] = 2
    twice = metric(torch.cat([prediction, prediction[:, :7]], 1), torch.cat([target, target[:7]]))
    assert metric(prediction, target, weight).tolist() == pytest.approx(twice.tolist(), rel=1e-12)
    assert metric(prediction, target, 3 * weight).tolist() == pytest.approx(twice.tolist(), rel=1e-12)


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_rows_of_weight_zero_are_not_read_even_when_they_hold_nonsense(metric):
    prediction, _, target, weight = rows(metric, 30, 2, seed=10)
    kept = metric(prediction[:, 5:], target[5:], weight[5:])
    prediction, target, weight = prediction.clone(), target.clone(), weight.clone()
    prediction[:, :5], weight[:5] = torch.nan, 0
    target[:5] = -100 if metric.task == "classification" else torch.nan
    assert metric(prediction, target, weight).tolist() == pytest.approx(kept.tolist(), rel=1e-12)


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_a_model_that_gives_nan_scores_nan_and_its_neighbours_keep_their_bits(metric):
    prediction, _, target, _ = rows(metric, 30, 3, seed=11)
    clean = metric(prediction, target)
    broken = prediction.clone()
    broken[1, 4] = torch.nan
    values = metric(broken, target)
    assert values[1].isnan() and values[0] == clean[0] and values[2] == clean[2]


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_no_sample_gives_nan_and_adds_nothing(metric):
    prediction, _, target, _ = rows(metric, 30, 2, seed=12)
    empty = metric.state(prediction[:, :0], target[:0])
    assert metric.value(empty).isnan().all()
    state = metric.state(prediction, target)
    assert torch.equal(state + empty, state)


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_gradients_do_not_leak_into_a_state(metric):
    prediction, _, target, _ = rows(metric, 10, 1, seed=13)
    assert not metric.state(prediction.requires_grad_(), target).requires_grad


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_lower_precision_predictions_are_judged_in_float64(metric, dtype):
    prediction, _, target, _ = rows(metric, 50, 2, seed=14)
    low = prediction.to(dtype)
    assert metric(low, target).tolist() == metric(low.double(), target).tolist()


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_declarations_say_what_a_reader_needs(metric):
    assert metric.best in ("max", "min") and metric.unit in ("share", "target", "target squared", "")
    assert metric.use.endswith(".") and metric.source and metric.formula and metric.purpose and metric.equals
    assert all(isinstance(h.domain, OneOf) for h in metric.hyper.values())
    assert metric.name in metrics and getattr(metrics, metric.name) is metric


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_the_better_of_two_models_is_the_one_that_best_points_at(metric):
    _, _, target, _ = rows(metric, 60, 1, seed=15)
    right = torch.eye(4)[target] if metric.task == "classification" else target
    values = metric(torch.stack([right, right.roll(1, 0)]), target)
    assert (values.argmax() if metric.best == "max" else values.argmin()) == 0
