"""Curves over all thresholds: ROC and precision-recall, exact and weighted, as scikit-learn has them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from steepest.core.errors import ShapeError, UsageError
from steepest.core.rows import Rows

from .ranking import own_class
from .scores import WHERE, class_scores, order_of


class RocCurve(NamedTuple):
    """One point per threshold, which fall: say yes from there on. The first threshold is infinite, where nothing is said."""

    false_positive_rate: Tensor
    true_positive_rate: Tensor
    thresholds: Tensor


class PrecisionRecallCurve(NamedTuple):
    """One point per threshold, which rise: say yes from there on; then precision 1 and recall 0, which have none."""

    precision: Tensor
    recall: Tensor
    thresholds: Tensor


def roc_curve(
    prediction: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    from_logits: bool | None = None,
    of: int | None = None,
    drop_intermediate: bool = True,
) -> RocCurve:
    """What share of the samples of a class is found, against the share of the others that is taken for it.

    prediction: one score per sample (N,) of class 1 of two, on any scale; or scores of classes (N, C), of which must be said
    whether they are logits. of: the class that is looked for, 1 of two if it is not said. Thresholds are on the scale of
    one score, and else those of the class's probability (from_logits=False) or log odds (from_logits=True).
    drop_intermediate: points on a straight line between others are left out. A rate without samples is NaN.

    >>> fpr, tpr, thresholds = roc_curve(torch.tensor([0.1, 0.4, 0.35, 0.8]), torch.tensor([0, 0, 1, 1]))
    >>> fpr.tolist(), tpr.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])

    Source: scikit-learn user guide, roc_curve
    """
    alarms, hits, thresholds = _counts(prediction, target, weight, from_logits, of)
    if drop_intermediate and len(hits) > 2:
        bends = _is_changed(alarms.diff(n=2)) | _is_changed(hits.diff(n=2))
        alarms, hits, thresholds = (t[_with_ends(bends)] for t in (alarms, hits, thresholds))
    alarms, hits = (torch.nn.functional.pad(t, (1, 0)) for t in (alarms, hits))
    thresholds = torch.cat([thresholds.new_tensor([torch.inf]), thresholds])
    return RocCurve(alarms / _last(alarms), hits / _last(hits), thresholds)


def precision_recall_curve(
    prediction: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    from_logits: bool | None = None,
    of: int | None = None,
    drop_intermediate: bool = False,
) -> PrecisionRecallCurve:
    """What share of those taken for a class belongs to it, against the share of the class that is found.

    Arguments as those of roc_curve. drop_intermediate: of thresholds with the same recall only the first and the last
    stay. Without a sample of the class the recall is 1 everywhere.

    >>> precision, recall, _ = precision_recall_curve(torch.tensor([0.1, 0.4, 0.35, 0.8]), torch.tensor([0, 0, 1, 1]))
    >>> recall.tolist()
    [1.0, 1.0, 0.5, 0.5, 0.0]

    Source: scikit-learn user guide, precision_recall_curve
    """
    alarms, hits, thresholds = _counts(prediction, target, weight, from_logits, of)
    if drop_intermediate and len(hits) > 2:
        moves = _is_changed(hits[:-1].diff()) | _is_changed(hits[1:].diff())
        alarms, hits, thresholds = (t[_with_ends(moves)] for t in (alarms, hits, thresholds))
    taken = hits + alarms
    precision = torch.where(taken == 0, 0.0, hits / taken)
    recall = torch.where(hits[-1:] == 0, 1.0, hits / hits[-1:]) if len(hits) else hits
    end = precision.new_tensor([1.0]), recall.new_tensor([0.0])
    return PrecisionRecallCurve(
        torch.cat([precision.flip(0), end[0]]), torch.cat([recall.flip(0), end[1]]), thresholds.flip(0)
    )


def _counts(
    prediction: Tensor, target: Tensor, weight: Tensor | None, from_logits: bool | None, of: int | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Weight of the others and of the class from each different score on, and those scores, falling."""
    rows = class_scores(prediction, target, weight, from_logits)
    scores, is_own = _of_class(rows, of)
    w = torch.ones_like(scores) if rows.weight is None else rows.weight.expand_as(scores)
    scores, is_own, w = (t[w != 0] for t in (scores, is_own, w))
    ordered, order = scores.sort(descending=True, stable=True)
    is_last = torch.ones_like(ordered, dtype=torch.bool)
    is_last[:-1] = ordered[1:] != ordered[:-1]
    own, w = is_own[order].double(), w[order]
    return ((w * (1 - own)).cumsum(0))[is_last], (w * own).cumsum(0)[is_last], ordered[is_last]


def _of_class(rows: Rows, of: int | None) -> tuple[Tensor, Tensor]:
    """Scores (N,) that order the samples by the class, and whether each is of it."""
    if rows.n_lead:
        raise ShapeError(
            where=WHERE,
            seen=f"prediction with {rows.n_lead} axes of models",
            needed="one model was needed, as the curves of several have points of their own",
            repair="[roc_curve(p, target, ...) for p in prediction]",
        )
    scores, is_own = order_of(rows).movedim(-1, -2), own_class(rows)
    n_classes = max(rows.facts["n_scores"], 2)
    if of is None and n_classes > 2 or of is not None and not 0 <= of < n_classes:
        raise UsageError(
            where=WHERE,
            seen=f"{n_classes} classes" + ("" if of is None else f" and of={of}"),
            needed=f"the class of the curve was needed, one of 0..{n_classes - 1}",
            repair="of=0 has the curve of class 0 against all others.",
        )
    if n_classes > 2:
        return scores[of], is_own[of]  # type: ignore[index]
    if of == 0:
        return (1 - scores[0] if rows.facts["from_logits"] is False else -scores[0]), ~is_own[0]
    return scores[0], is_own[0]


def _is_changed(steps: Tensor) -> Tensor:
    return steps != 0


def _with_ends(middle: Tensor) -> Tensor:
    return torch.nn.functional.pad(middle, (1, 1), value=True)


def _last(summed: Tensor) -> Tensor:
    """The sum of all, NaN for 0."""
    return torch.where(summed[-1:] == 0, torch.nan, summed[-1:])
