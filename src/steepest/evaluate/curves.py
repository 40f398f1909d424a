"""How finding trades against false alarms: ROC and precision-recall of each class, with the band of each point."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest import metrics as catalogue
from steepest.core.interval import wilson
from steepest.core.metric import Metric

from .answers import Answers
from .record import ClassCurves, Number, Point, Threshold

MOST_CLASSES, MOST_POINTS = 6, 120
MOST_NUMBERS = 1e6
"""Rows times replicates of an average precision."""


def class_curves(found: Answers, chosen: Threshold | None, level: float) -> list[ClassCurves]:
    """Of class 1 of two, or of the classes with the lowest area against all others, the lowest first."""
    if found.kind != "classification" or not found.has_probabilities or found.n_classes < 2:
        return []
    counted = found.target if found.weight is None else found.target[found.weight > 0]
    support = torch.bincount(counted, minlength=found.n_classes)
    asked = [1] if found.n_classes == 2 else range(found.n_classes)
    scores = {c: _log_odds(found.scores, c) for c in asked if 0 < int(support[c]) < len(counted)}
    area = {c: float(catalogue.auroc(own, (found.target == c).long(), found.weight)) for c, own in scores.items()}
    hardest = sorted(scores, key=lambda c: area[c])[:MOST_CLASSES]
    return [_curves(found, c, scores[c], chosen, level) for c in hardest]


def _log_odds(scores: Tensor, c: int) -> Tensor:
    """They order the rows as the probability of the class does, without rounding near 1."""
    return scores[:, c] - torch.cat([scores[:, :c], scores[:, c + 1 :]], 1).logsumexp(1)


def _curves(found: Answers, c: int, scores: Tensor, chosen: Threshold | None, level: float) -> ClassCurves:
    is_own = (found.target == c).long()
    roc = catalogue.roc_curve(scores, is_own, found.weight)
    pr = catalogue.precision_recall_curve(scores, is_own, found.weight, drop_intermediate=True)
    recall, precision = (t[:-1].flip(0) for t in (pr.recall, pr.precision))
    weight = torch.ones(len(scores), dtype=torch.float64) if found.weight is None else found.weight.double().cpu()
    counted = weight[is_own.bool()]
    n = float(counted.sum().square() / counted.square().sum())  # rows of equal weight that tell as much (Kish)
    n_taken = recall * n / precision.clamp(min=1e-12)
    point = None if chosen is None else _point_of(scores, is_own, weight, chosen.value)
    return ClassCurves(
        name=found.names[c],
        support=int(is_own.sum()),
        area=_number(catalogue.auroc, scores, is_own, found.weight, level),
        precision=_number(catalogue.average_precision, scores, is_own, found.weight, level),
        roc=_points(roc.false_positive_rate, roc.true_positive_rate, torch.full_like(roc.thresholds, n), level),
        precision_recall=_points(recall, precision, n_taken.clamp(min=1), level),
        chosen=point,
    )


def _number(metric: Metric, scores: Tensor, is_own: Tensor, weight: Tensor | None, level: float) -> Number:
    n = max(100, min(1000, int(MOST_NUMBERS / len(scores))))
    at = metric.interval(metric.rows(scores, is_own, weight), level=level, replicates=n)
    value, low, high = (float(t) for t in (at.value, at.low, at.high))
    return Number(metric.name, value, low, high, metric.unit, metric.best, at.method, at.note)


def _points(x: Tensor, share: Tensor, tries: Tensor, level: float) -> list[Point]:
    """Evenly thinned; the band is Wilson's, of each point by itself. Weighted rows count as fewer: n of equal weight."""
    kept = torch.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).round().long()
    x, share, tries = (t[kept].double() for t in (x, share, tries))
    low, high = wilson(share * tries, tries, level)
    return [Point(*each) for each in zip(x.tolist(), share.tolist(), low.tolist(), high.tolist())]


def _point_of(scores: Tensor, is_own: Tensor, weight: Tensor, threshold: float) -> tuple[float, float, float]:
    """False positive rate, recall and precision of all rows from that probability on; NaN where nothing is taken."""
    says, own = scores.sigmoid() >= threshold, is_own.bool()
    hits, alarms = (float(weight[says & part].sum()) for part in (own, ~own))
    of_own, of_others = float(weight[own].sum()), float(weight[~own].sum())
    taken = hits + alarms
    return alarms / of_others if of_others else 0.0, hits / of_own, hits / taken if taken else float("nan")
