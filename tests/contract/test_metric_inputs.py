"""What a metric cannot judge is refused with the repair; scores are never taken for logits or probabilities by their values."""

from __future__ import annotations

import pytest
import torch

from steepest import metrics
from steepest.core.errors import DomainError, DtypeError, LabelError, MetricError, ShapeError, SteepestError, UsageError

CLASSIFICATION = [m for m in metrics if m.task == "classification"]
REGRESSION = [m for m in metrics if m.task == "regression"]
LABELS = torch.tensor([0, 1, 2, 1])
SCORES = torch.eye(3)[LABELS]
NUMBERS = torch.tensor([1.0, 2.0, 3.0, 5.0])


def by_name(metric):
    return metric.name


def refuses(metric, error, repair, *args, **options):
    with pytest.raises(error) as caught:
        metric(*args, **options)
    assert isinstance(caught.value, SteepestError) and caught.value.needed
    assert repair in caught.value.repair


BAD_CLASSES = {
    "samples differ": (ShapeError, "different batches", SCORES[:3], LABELS),
    "classes before samples": (ShapeError, "movedim(-2, -1)", SCORES.T, LABELS),
    "one-hot predictions": (ShapeError, "argmax(-1)", SCORES.long(), LABELS),
    "a column of indices": (ShapeError, "squeeze(-1)", LABELS.unsqueeze(-1), LABELS),
    "float target": (DtypeError, "target.long()", SCORES, LABELS.float()),
    "float indices": (ShapeError, "prediction.long()", LABELS.float(), LABELS),
    "one score per sample": (ShapeError, "threshold", SCORES[:, :1], LABELS),
    "label out of range": (LabelError, "subtract 1", SCORES, LABELS + 1),
    "label below zero": (LabelError, "weight 0", SCORES, LABELS - 1),
    "no tensor": (DtypeError, "torch.as_tensor(prediction)", SCORES.tolist(), LABELS),
    "no target tensor": (DtypeError, "torch.as_tensor(target)", SCORES, LABELS.tolist()),
    "complex scores": (DtypeError, "prediction.real", SCORES.to(torch.complex64), LABELS),
    "sparse scores": (DtypeError, "to_dense", SCORES.to_sparse(), LABELS),
    "scalar target": (ShapeError, "reshape(1)", SCORES, torch.tensor(1)),
    "short weight": (ShapeError, "(4,)", SCORES, LABELS, torch.ones(3)),
    "negative weight": (DomainError, "weight 0", SCORES, LABELS, torch.tensor([1.0, 1, 1, -1])),
    "targets of other models": (ShapeError, "(N,)", SCORES.expand(3, 4, 3), LABELS.expand(2, 4)),
}


@pytest.mark.parametrize("case", BAD_CLASSES)
@pytest.mark.parametrize("metric", CLASSIFICATION, ids=by_name)
def test_class_predictions_that_cannot_be_judged_are_refused_with_the_repair(metric, case):
    refuses(metric, *BAD_CLASSES[case])


BAD_NUMBERS = {
    "column against row": (ShapeError, "reshape", NUMBERS.unsqueeze(-1), NUMBERS),
    "samples differ": (ShapeError, "target", NUMBERS[:3], NUMBERS),
    "a column per model": (ShapeError, "squeeze(-1)", NUMBERS.expand(2, 4).unsqueeze(-1), NUMBERS),
    "more outputs than targets": (ShapeError, "outputs per sample", torch.ones(4, 3), torch.ones(4, 2)),
    "bool target": (DtypeError, "accuracy", NUMBERS, NUMBERS > 2),
    "complex": (DtypeError, ".real", NUMBERS.to(torch.complex64), NUMBERS),
    "no tensor": (DtypeError, "torch.as_tensor(prediction)", NUMBERS.tolist(), NUMBERS),
    "short weight": (ShapeError, "(4,)", NUMBERS, NUMBERS, torch.ones(3)),
    "negative weight": (DomainError, "weight 0", NUMBERS, NUMBERS, torch.tensor([1.0, 1, 1, -1])),
}


@pytest.mark.parametrize("case", BAD_NUMBERS)
@pytest.mark.parametrize("metric", REGRESSION, ids=by_name)
def test_numbers_that_cannot_be_judged_are_refused_with_the_repair(metric, case):
    refuses(metric, *BAD_NUMBERS[case])


@pytest.mark.parametrize("metric", metrics, ids=by_name)
def test_an_unknown_option_of_the_value_is_refused(metric):
    prediction, target = (SCORES, LABELS) if metric.task == "classification" else (NUMBERS, NUMBERS)
    with pytest.raises(UsageError):
        metric(prediction, target, averge="macro")


@pytest.mark.parametrize("metric", [m for m in CLASSIFICATION if "average" in m.hyper], ids=by_name)
def test_an_average_that_does_not_exist_or_does_not_fit_is_refused(metric):
    refuses(metric, DomainError, "average", SCORES, LABELS, average="mean")
    refuses(metric, MetricError, "macro", SCORES, LABELS, average="binary")


@pytest.mark.parametrize("metric", CLASSIFICATION, ids=by_name)
def test_one_score_per_sample_is_judged_by_the_threshold_that_was_said(metric):
    logits, target = torch.tensor([-2.0, 0.3, 0.7, 4.0]), torch.tensor([0, 0, 1, 1])
    at_zero = metric(logits, target, options={"threshold": 0.0})
    assert at_zero == metric((logits > 0).long(), target, options={"n_classes": 2})
    assert metric(logits.sigmoid(), target, options={"threshold": 0.5}) == at_zero
    assert metric(logits.unsqueeze(-1), target, options={"threshold": 0.0}) == at_zero
    assert metric(logits, target, options={"threshold": 0.5}) == 1
    ties, mostly_0 = torch.full((4,), 0.5), torch.tensor([0, 0, 0, 1])
    assert metric(ties, mostly_0, options={"threshold": 0.5}) == metric(torch.zeros(4, 2), mostly_0), "a tie is class 0"
    assert metric(logits.expand(3, 4).unsqueeze(-1), target, options={"threshold": 0.5}).tolist() == [1, 1, 1]


@pytest.mark.parametrize("metric", CLASSIFICATION, ids=by_name)
def test_a_monotone_change_of_the_scores_changes_nothing(metric):
    scores = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    target = torch.arange(50) % 3
    values = {metric(s, target).item() for s in (scores, scores.softmax(-1), scores.log_softmax(-1), scores + 100, scores * 1e4)}
    assert len(values) == 1


@pytest.mark.parametrize("metric", CLASSIFICATION, ids=by_name)
def test_class_indices_and_scores_agree_and_the_first_of_equal_scores_wins(metric):
    assert metric(LABELS, LABELS) == metric(SCORES, LABELS) == 1
    assert metric(torch.zeros(4, 3), LABELS) == metric(torch.zeros(4, dtype=torch.long), LABELS, options={"n_classes": 3})


@pytest.mark.parametrize("metric", CLASSIFICATION, ids=by_name)
def test_small_integer_and_bool_labels_are_class_indices(metric):
    for dtype in (torch.uint8, torch.int16, torch.int32):
        assert metric(LABELS.to(dtype), LABELS.to(dtype)) == 1
    assert metric(LABELS > 1, LABELS > 1, options={"n_classes": 2}) == 1


@pytest.mark.parametrize("metric", REGRESSION, ids=by_name)
def test_several_target_columns_are_averaged_for_one_model_and_for_k(metric):
    import sklearn.metrics

    g = torch.Generator().manual_seed(1)
    target, prediction = torch.randn(20, 3, generator=g).double(), torch.randn(2, 20, 3, generator=g).double()
    twin = getattr(sklearn.metrics, metric.equals.rpartition(".")[2])
    truth = [twin(target.numpy(), p.numpy()) for p in prediction]
    assert metric(prediction, target).tolist() == pytest.approx(truth, rel=1e-12)
    assert metric(prediction[0], target, options={"n_outputs": 3}).item() == pytest.approx(truth[0], rel=1e-12)
    assert metric(prediction, target.expand(2, 20, 3)).tolist() == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize("metric", REGRESSION, ids=by_name)
def test_integer_predictions_of_numbers_are_numbers(metric):
    assert metric(NUMBERS.long(), NUMBERS).item() == metric(NUMBERS, NUMBERS).item()


def test_r2_of_a_constant_target_is_one_when_met_and_zero_when_missed():
    constant = torch.full((7,), 0.1, dtype=torch.float64)
    assert metrics.r2(constant, constant) == 1
    assert metrics.r2(constant + 1e-3, constant) == 0
    assert metrics.r2(constant[:1], constant[:1]).isnan()
