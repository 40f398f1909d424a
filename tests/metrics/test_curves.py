"""Curves over thresholds equal scikit-learn's in every point, weighted or not, and of each class."""

from __future__ import annotations

import numpy
import pytest
import sklearn.metrics
import torch

from steepest import metrics
from steepest.core.errors import DomainError, ShapeError, UsageError

OURS = {"roc": metrics.roc_curve, "pr": metrics.precision_recall_curve}
THEIRS = {"roc": sklearn.metrics.roc_curve, "pr": sklearn.metrics.precision_recall_curve}
KINDS = {
    "distinct": lambda g: torch.randn(90, generator=g, dtype=torch.float64),
    "ties": lambda g: torch.randint(0, 6, (90,), generator=g).double(),
    "one score": lambda g: torch.zeros(90, dtype=torch.float64),
    "logits of 1e4": lambda g: 1e4 * torch.randn(90, generator=g, dtype=torch.float64),
}


def same(found, truth):
    assert len(found) == len(truth)
    for ours, theirs in zip(found, truth):
        numpy.testing.assert_allclose(ours.numpy(), theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("drop", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("curve", OURS)
def test_every_point_is_that_of_scikit_learn(curve, kind, weighted, drop):
    g = torch.Generator().manual_seed(1)
    scores, y = KINDS[kind](g), torch.randint(0, 2, (90,), generator=g)
    # weights that are sums of powers of 2, so that a straight line stays one in every order of adding
    w = torch.randint(1, 8, (90,), generator=g).double() / 4 if weighted else None
    found = OURS[curve](scores, y, w, drop_intermediate=drop)
    same(found, THEIRS[curve](y.numpy(), scores.numpy(), sample_weight=w, drop_intermediate=drop))


@pytest.mark.parametrize("of", [0, 1, 2])
@pytest.mark.parametrize("curve", OURS)
def test_each_class_of_three_has_its_curve_against_the_others(curve, of):
    g = torch.Generator().manual_seed(2)
    p, y = torch.randn(60, 3, generator=g).double().softmax(1), torch.randint(0, 3, (60,), generator=g)
    same(OURS[curve](p, y, from_logits=False, of=of), THEIRS[curve]((y == of).numpy(), p[:, of].numpy()))
    by_logits = OURS[curve](p.log(), y, from_logits=True, of=of)
    for ours, theirs in zip(by_logits[:2], OURS[curve](p, y, from_logits=False, of=of)[:2]):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    torch.testing.assert_close(by_logits.thresholds.sigmoid()[1:], OURS[curve](p, y, from_logits=False, of=of)[2][1:])


@pytest.mark.parametrize("of", [0, 1, None])
def test_of_two_classes_either_may_be_looked_for(of):
    g = torch.Generator().manual_seed(3)
    p, y = torch.rand(50, generator=g).double(), torch.randint(0, 2, (50,), generator=g)
    truth = sklearn.metrics.roc_curve((y == of) if of == 0 else y, (1 - p) if of == 0 else p)
    same(metrics.roc_curve(torch.stack([1 - p, p], 1), y, from_logits=False, of=of), truth)
    same(metrics.roc_curve(p, y, from_logits=False, of=of), truth)


def test_the_area_under_it_is_auroc_and_rows_of_weight_0_are_not_there():
    g = torch.Generator().manual_seed(4)
    x, y = torch.randn(200, generator=g).double(), torch.randint(0, 2, (200,), generator=g)
    w = (torch.arange(200) % 3 > 0).double()
    curve = metrics.roc_curve(x, y, w)
    area = torch.trapezoid(curve.true_positive_rate, curve.false_positive_rate)
    assert area.item() == pytest.approx(metrics.auroc(x, y, w).item(), abs=1e-12)
    same(metrics.roc_curve(x[w > 0], y[w > 0]), [t.numpy() for t in curve])


def test_a_class_without_samples_has_no_rate_and_full_recall():
    x, y = torch.tensor([0.1, 0.2, 0.3]), torch.zeros(3, dtype=torch.long)
    assert metrics.roc_curve(x, y).true_positive_rate.isnan().all()
    assert metrics.roc_curve(x, 1 - y).false_positive_rate.isnan().all()
    assert metrics.precision_recall_curve(x, y).recall.tolist() == [1.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda x, y: metrics.roc_curve(x, y), UsageError, "from_logits"),
        (lambda x, y: metrics.roc_curve(x, y, from_logits=True), UsageError, "of=0"),
        (lambda x, y: metrics.roc_curve(x, y, from_logits=True, of=3), UsageError, "0..2"),
        (lambda x, y: metrics.roc_curve(x[None], y, from_logits=True, of=1), ShapeError, "one model"),
        (
            lambda x, y: metrics.precision_recall_curve(x, y, -torch.ones(6), from_logits=True, of=1),
            DomainError,
            ">= 0",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_the_repair(call, kind, words):
    with pytest.raises(kind, match=words):
        call(torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 1, 2]))
