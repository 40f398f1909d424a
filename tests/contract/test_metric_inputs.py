"""What a metric cannot judge is refused with the repair; scores are never taken for logits or probabilities by their values."""

from __future__ import annotations

import pytest
import torch

from steepest import metrics
from steepest.core.errors import DomainError, DtypeError, LabelError, MetricError, ShapeError, SteepestError, UsageError

CLASSIFICATION = [m for m in metrics if m.tally.reads == "classes"]
REGRESSION = [m for m in metrics if m.task == "regression"]
LABELS = torch.tensor([0, 1, 2, 1])
SCORES = torch.eye(3)[LABELS]
NUMBERS = torch.tensor([1.0, 2.0, 3.0, 5.0])


def by_name(metric):
    return metric.name


def perfect(metric):
    return 1 if metric.best == "max" else 0


def refuses(metric, error, repair, *args, **words):
    with pytest.raises(error) as caught:
        metric(*args, **words)
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
    with pytest.raises(UsageError, match="averge"):
        metric(SCORES, LABELS, averge="macro")


PROBABILITIES = SCORES.double() * 0.8 + 0.2 / 3
BAD_SCORES = {
    "logits or not": (UsageError, "from_logits=True", PROBABILITIES, LABELS, {}),
    "class indices": (DtypeError, "argmax", LABELS, LABELS, {"from_logits": False}),
    "logits as probabilities": (DomainError, "from_logits=True", 3 * PROBABILITIES, LABELS, {"from_logits": False}),
    "rows of sum 0.9": (DomainError, "softmax", 0.9 * PROBABILITIES, LABELS, {"from_logits": False}),
    "samples differ": (ShapeError, "different batches", PROBABILITIES[:3], LABELS, {"from_logits": True}),
    "classes before samples": (ShapeError, "movedim", PROBABILITIES.T, LABELS, {"from_logits": True}),
    "label out of range": (LabelError, "subtract 1", PROBABILITIES, LABELS + 1, {"from_logits": True}),
    "float target": (DtypeError, "target.long()", PROBABILITIES, LABELS.double(), {"from_logits": True}),
    "targets of other models": (ShapeError, "(N,)", PROBABILITIES.expand(3, 4, 3), LABELS.expand(2, 4), {"from_logits": True}),
}


@pytest.mark.parametrize("case", BAD_SCORES)
@pytest.mark.parametrize("metric", [m for m in metrics if m.asks_from_logits], ids=by_name)
def test_scores_that_cannot_be_judged_are_refused_with_the_repair(metric, case):
    error, repair, prediction, target, said = BAD_SCORES[case]
    refuses(metric, error, repair, prediction, target, **said)


@pytest.mark.parametrize("metric", [m for m in metrics if "bins" in m.options and m.task == "classification"], ids=by_name)
def test_the_order_of_one_score_per_sample_needs_no_word_on_logits(metric):
    binary = LABELS.clamp(max=1)
    if not metric.options["bins"]:
        assert 0 <= metric(NUMBERS, binary) <= 1


TAGS = torch.tensor([[1, 0, 1], [0, 1, 0]])
BAD_TAGS = {
    "one class per sample": (ShapeError, "multilabel_", TAGS, torch.tensor([0, 1])),
    "labels before samples": (ShapeError, "movedim", TAGS, TAGS.T),
    "samples differ": (ShapeError, "different batches", TAGS, TAGS[:1]),
    "a count": (LabelError, "weight 0", TAGS, 2 * TAGS),
    "no tensor": (DtypeError, "torch.as_tensor(target)", TAGS, TAGS.tolist()),
    "complex scores": (DtypeError, "prediction.real", TAGS.to(torch.complex64), TAGS),
    "short weight": (ShapeError, "(2,)", TAGS, TAGS, torch.ones(3)),
}


@pytest.mark.parametrize("case", BAD_TAGS)
@pytest.mark.parametrize("metric", [m for m in metrics if m.task == "multilabel"], ids=by_name)
def test_labels_that_cannot_be_judged_are_refused_with_the_repair(metric, case):
    refuses(metric, *BAD_TAGS[case])


@pytest.mark.parametrize("metric", [m for m in metrics if m.tally.reads == "label decisions"], ids=by_name)
def test_scores_of_labels_need_a_threshold_and_decisions_take_none(metric):
    refuses(metric, UsageError, "threshold=0.0", TAGS.float(), TAGS)
    refuses(metric, UsageError, "Leave threshold out", TAGS, TAGS, options={"threshold": 0.5})
    logits = torch.tensor([[2.0, -1.0, 0.5], [-3.0, 0.1, 0.2]])
    by_decision = metric(logits > 0, TAGS)
    assert metric(logits, TAGS, threshold=0.0) == metric(logits.sigmoid(), TAGS.float(), threshold=0.5) == by_decision
    each = torch.tensor([0.0, 0.0, 0.3])
    assert metric(logits, TAGS, threshold=each) == metric(logits > each, TAGS)
    assert metric(torch.where(logits == 2, torch.nan, logits), TAGS, threshold=0.0).isnan()


@pytest.mark.parametrize(
    ("name", "prediction", "target"),
    [
        ("mean_squared_log_error", [1.0, -1.0], [1.0, 1.0]), ("root_mean_squared_log_error", [1.0, 1.0], [1.0, -2.0]),
        ("mean_poisson_deviance", [1.0, 0.0], [1.0, 1.0]), ("mean_poisson_deviance", [1.0, 1.0], [1.0, -1.0]),
        ("mean_gamma_deviance", [1.0, 1.0], [1.0, 0.0]), ("mean_tweedie_deviance", [1.0, -1.0], [1.0, 1.0]),
    ],
)
def test_numbers_outside_a_deviance_are_refused_unless_their_weight_is_zero(name, prediction, target):
    prediction, target = torch.tensor(prediction), torch.tensor(target)
    refuses(metrics[name], DomainError, "weight 0", prediction, target)
    assert metrics[name](prediction, target, torch.tensor([1.0, 0.0])) == 0


def test_a_power_between_zero_and_one_has_no_deviance():
    refuses(metrics.mean_tweedie_deviance, DomainError, "1.5", NUMBERS, NUMBERS, power=0.5)


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
    assert metric(logits, target, options={"threshold": 0.5}) == perfect(metric)
    ties, mostly_0 = torch.full((4,), 0.5), torch.tensor([0, 0, 0, 1])
    at_ties = metric(ties, mostly_0, options={"threshold": 0.5})
    assert at_ties == metric(torch.zeros(4, 2), mostly_0), "a tie is class 0"
    assert metric(logits.expand(3, 4).unsqueeze(-1), target, options={"threshold": 0.5}).tolist() == [perfect(metric)] * 3


@pytest.mark.parametrize("metric", CLASSIFICATION, ids=by_name)
def test_a_monotone_change_of_the_scores_changes_nothing(metric):
    scores = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    target = torch.arange(50) % 3
    values = {metric(s, target).item() for s in (scores, scores.softmax(-1), scores.log_softmax(-1), scores + 100, scores * 1e4)}
    assert len(values) == 1


@pytest.mark.parametrize("metric", CLASSIFICATION, ids=by_name)
def test_class_indices_and_scores_agree_and_the_first_of_equal_scores_wins(metric):
    assert metric(LABELS, LABELS) == metric(SCORES, LABELS) == perfect(metric)
    assert metric(torch.zeros(4, 3), LABELS) == metric(torch.zeros(4, dtype=torch.long), LABELS, options={"n_classes": 3})


@pytest.mark.parametrize("metric", CLASSIFICATION, ids=by_name)
def test_small_integer_and_bool_labels_are_class_indices(metric):
    for dtype in (torch.uint8, torch.int16, torch.int32):
        assert metric(LABELS.to(dtype), LABELS.to(dtype)) == perfect(metric)
    assert metric(LABELS > 1, LABELS > 1, options={"n_classes": 2}) == perfect(metric)


@pytest.mark.parametrize("metric", REGRESSION, ids=by_name)
def test_several_target_columns_are_averaged_for_one_model_and_for_k(metric):
    g = torch.Generator().manual_seed(1)
    target, prediction = (torch.rand(*shape, generator=g).double() + 0.1 for shape in ((20, 3), (2, 20, 3)))
    truth = [sum(metric(p[:, c], target[:, c]).item() for c in range(3)) / 3 for p in prediction]
    assert metric(prediction, target).tolist() == pytest.approx(truth, rel=1e-12)
    assert metric(prediction[0], target, n_outputs=3).item() == pytest.approx(truth[0], rel=1e-12)
    assert metric(prediction, target.expand(2, 20, 3)).tolist() == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize("metric", REGRESSION, ids=by_name)
def test_integer_predictions_of_numbers_are_numbers(metric):
    assert metric(NUMBERS.long(), NUMBERS).item() == metric(NUMBERS, NUMBERS).item()


def test_r2_of_a_constant_target_is_one_when_met_and_zero_when_missed():
    constant = torch.full((7,), 0.1, dtype=torch.float64)
    assert metrics.r2(constant, constant) == 1
    assert metrics.r2(constant + 1e-3, constant) == 0
    assert metrics.r2(constant[:1], constant[:1]).isnan()
