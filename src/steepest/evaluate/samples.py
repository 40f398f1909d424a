"""Rows to look at: those that cost most, and those whose label may be wrong."""

from __future__ import annotations

import torch

from .answers import Answers
from .record import Sample, Suspect

MOST = 20


def costly(found: Answers) -> list[Sample]:
    """The rows with the highest loss, the worst first."""
    order = found.losses.nan_to_num(float("inf")).argsort(descending=True, stable=True)[:MOST]
    return [_sample(found, row) for row in order.tolist()]


def _sample(found: Answers, row: int) -> Sample:
    loss, predicted, target = float(found.losses[row]), found.predicted[row], found.target[row]
    if found.kind == "classification":
        sure = float(found.probabilities[row].max()) if found.has_probabilities else None
        return Sample(row, loss, found.names[int(target)], found.names[int(predicted)], sure)
    if found.kind == "multilabel":
        return Sample(row, loss, _listed(found, target), _listed(found, predicted))
    if found.kind == "segmentation":
        wrong = int(((predicted != target) & (target >= 0)).sum())
        return Sample(row, loss, f"{int((target >= 0).sum())} places", f"{wrong} wrong")
    return Sample(row, loss, _written(target), _written(predicted))


def _written(numbers: torch.Tensor) -> str:
    return ", ".join(f"{v:.4g}" for v in numbers.tolist())


def _listed(found: Answers, labels: torch.Tensor) -> str:
    return ", ".join(name for name, is_on in zip(found.names, labels.tolist()) if is_on) or "none"


def suspects(found: Answers) -> tuple[int, list[Suspect]]:
    """(how many, the likeliest of them): rows whose label the model doubts with good reason.

    A row is suspect where another class than the given one reaches that class's own mean probability among the rows
    that bear its label, and is the likeliest of those that do. Ordered by how much likelier it is than the label.
    It holds for rows that the model was not trained on: on others it has learned the wrong labels too.
    Source: Northcutt, Jiang & Chuang 2021 (confident learning), doi:10.1613/jair.1.12125
    """
    if found.kind != "classification" or not found.has_probabilities or found.n_classes < 2:
        return 0, []
    p, given = found.probabilities, found.target
    given_p = p.gather(1, given.unsqueeze(1)).squeeze(1)
    n = torch.bincount(given, minlength=found.n_classes)
    mean = torch.zeros(found.n_classes, dtype=p.dtype).index_add_(0, given, given_p) / n.clamp(min=1)
    reaches = (p >= mean) & (n > 0)
    best, likely = torch.where(reaches, p, -1.0).max(1)
    is_suspect = (best >= 0) & (likely != given)
    margin = torch.where(is_suspect, best - given_p, -2.0)
    order = margin.argsort(descending=True, stable=True)[: min(MOST, int(is_suspect.sum()))]
    shown = [
        Suspect(row, found.names[int(given[row])], found.names[int(likely[row])], float(given_p[row]), float(best[row]))
        for row in order.tolist()
    ]
    return int(is_suspect.sum()), shown
