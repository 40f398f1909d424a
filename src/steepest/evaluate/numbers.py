"""The headline numbers and the table of classes, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from steepest import metrics as catalogue
from steepest.core.calls import parse_call
from steepest.core.declare import Metric
from steepest.core.errors import MetricError
from steepest.core.interval import Interval, wilson
from steepest.core.rows import Rows
from steepest.metrics.foreign import as_metric

from .answers import Answers
from .record import ClassRow, Number, Pair

USUAL = {
    "classification": (
        "accuracy",
        "balanced_accuracy",
        "f1",
        "matthews",
        "auroc",
        "log_loss",
        "brier",
        "expected_calibration_error",
    ),
    "multilabel": ("exact_match", "hamming_loss", "multilabel_f1", "multilabel_average_precision"),
    "regression": ("mean_absolute_error", "root_mean_squared_error", "r2", "median_absolute_error"),
    "segmentation": ("accuracy", "mean_iou", "dice"),
}
OF_CLASSES = {
    "classification": ("recall", "precision", "f1"),
    "multilabel": ("multilabel_recall", "multilabel_precision", "multilabel_f1"),
    "segmentation": ("jaccard", "dice"),
}
CLASS_TASK = {"segmentation": "classification"}
MOST_PAIRS = 10
FOREIGN = "anything"
"""What metrics of others read, as their tally says."""


def chosen(asked: Any, found: Answers) -> list[tuple[Metric, dict[str, Any]]]:
    """The metrics that were asked for, by name ("fbeta(beta=2)") or as items; else the usual ones of the task."""
    if asked is None:
        usual = [catalogue[name] for name in USUAL[found.kind]]
        return [(one, {}) for one in usual if found.has_probabilities or not one.asks_from_logits]
    listed = [asked] if isinstance(asked, (str, Metric)) or not hasattr(asked, "__iter__") else list(asked)
    words = [one for item in listed for one in (_cut(item) if isinstance(item, str) else [item])]
    return [_fitting(*_named(one, found), found) for one in words]


def _cut(text: str) -> list[str]:
    """At the commas outside brackets."""
    parts, depth, start = [], 0, 0
    for i, letter in enumerate(text + ","):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    return [part for part in parts if part]


def _named(one: Any, found: Answers) -> tuple[Metric, dict[str, Any]]:
    """(the metric, its hyperparameters); objects with update, compute and reset, such as torchmetrics', do too."""
    if not isinstance(one, str):
        return as_metric(one, task=CLASS_TASK.get(found.kind, found.kind)), {}
    name, hyper = parse_call(one, "metric")
    return catalogue[name], hyper


def _fitting(metric: Metric, hyper: dict[str, Any], found: Answers) -> tuple[Metric, dict[str, Any]]:
    wanted = CLASS_TASK.get(found.kind, found.kind)
    if metric.task != wanted:
        raise MetricError(
            where="evaluate",
            seen=f"{metric.name} and the task is {found.kind}",
            needed=f"a metric of steepest.metrics for {wanted} was needed",
            repair="steepest list metrics shows them with their task.",
        )
    if metric.asks_from_logits and not found.has_probabilities:
        raise MetricError(
            where=metric.name,
            seen="the model's scores are no logits and no probabilities, by its loss",
            needed="probabilities were needed",
            repair="from_logits=True or from_logits=False says what they are.",
        )
    return metric, hyper


def rows_of(metric: Metric, found: Answers) -> tuple[Rows, Tensor | None]:
    """(rows of the metric, groups of rows that belong together)."""
    if found.kind == "segmentation":
        known = found.target.flatten() >= 0
        images = torch.arange(len(found)).unsqueeze(1).expand(found.target.shape).flatten()[known]
        places = (found.scores.flatten()[known], found.target.flatten()[known])
        return metric.rows(*places, n_classes=found.n_classes), images
    if found.kind == "regression":
        return metric.rows(found.scores, found.target, found.weight, n_outputs=found.scores.shape[1]), None
    if metric.tally.reads == FOREIGN:  # it guesses whether it sees logits; of probabilities the guess is right
        scores = found.probabilities if found.has_probabilities else found.scores
        return metric.rows(scores, found.target, found.weight), None
    options: dict[str, Any] = {"from_logits": True} if metric.asks_from_logits else {}
    if found.kind == "multilabel" and "threshold" in metric.options:
        options["threshold"] = 0.0
    return metric.rows(found.scores, found.target, found.weight, **options), None


def numbers(found: Answers, asked: Any, level: float) -> list[Number]:
    return [
        number_of(metric, found, level, hyper, name=_words(metric, hyper)) for metric, hyper in chosen(asked, found)
    ]


def number_of(metric: Metric, found: Answers, level: float, hyper: dict[str, Any], name: str = "") -> Number:
    """The metric of all rows."""
    rows, groups = rows_of(metric, found)
    return _numbers(metric, name or metric.name, metric.interval(rows, level=level, groups=groups, **hyper))[0]


def _words(metric: Metric, hyper: dict[str, Any]) -> str:
    words = ", ".join(f"{name}={value}" for name, value in hyper.items())
    return f"{metric.name}({words})" if words else metric.name


def _numbers(metric: Metric, name: str, at: Interval) -> list[Number]:
    triples = zip(*(t.flatten().tolist() for t in (at.value, at.low, at.high)))
    return [
        Number(name, value, low, high, unit=metric.unit, best=metric.best, method=at.method, note=at.note)
        for value, low, high in triples
    ]


# -- classes ---------------------------------------------------------------------------------------------------------


def classes(found: Answers, level: float) -> list[ClassRow]:
    """One row for each class or label, in their order."""
    if found.kind == "regression":
        return []
    table = []
    for name in OF_CLASSES[found.kind]:
        metric = catalogue[name]
        rows, groups = rows_of(metric, found)
        at = metric.interval(rows, level=level, groups=groups, average="none")
        table.append(_numbers(metric, name.removeprefix("multilabel_"), at))
    support, predicted = _counts(found)
    return [
        ClassRow(name, int(support[c]), int(predicted[c]), [column[c] for column in table])
        for c, name in enumerate(found.names)
    ]


def _counts(found: Answers) -> tuple[Tensor, Tensor]:
    """True and predicted samples of each class, weights aside."""
    if found.kind == "multilabel":
        return found.target.sum(0), found.predicted.sum(0)
    known = found.target >= 0
    said = found.predicted[known]
    return tuple(torch.bincount(t, minlength=found.n_classes) for t in (found.target[known], said))  # type: ignore[return-value]


def confusion(found: Answers) -> Tensor | None:
    """(C, C): rows are the true classes, columns what was said; None for labels and numbers."""
    if found.kind not in ("classification", "segmentation"):
        return None
    known = found.target >= 0
    cells = found.target[known] * found.n_classes + found.predicted[known]
    weight = None if found.weight is None or found.kind == "segmentation" else found.weight
    counts = torch.bincount(cells, weight, minlength=found.n_classes**2)
    return counts.reshape(found.n_classes, found.n_classes)


def confused(counts: Tensor | None, names: Sequence[str], level: float) -> list[Pair]:
    """The pairs of classes that are mistaken for each other most often, by number of samples."""
    if counts is None:
        return []
    mistakes = counts.clone().double().fill_diagonal_(0)
    order = mistakes.flatten().argsort(descending=True, stable=True)[:MOST_PAIRS]
    pairs = []
    for cell in order.tolist():
        true, said = divmod(cell, len(names))
        n, of = mistakes[true, said], counts[true].sum().double()
        if n > 0:
            low, high = wilson(n, of, level)
            pairs.append(Pair(names[true], names[said], int(n), float(n / of), float(low), float(high)))
    return pairs
