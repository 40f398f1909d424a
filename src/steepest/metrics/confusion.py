"""The confusion counts of K models in one pass: the additive state of every metric of class decisions."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.errors import DtypeError, ShapeError, UsageError
from steepest.core.faster import class_counts
from steepest.core.rows import Rows, with_lead
from steepest.core.tally import Tally

from .accept import accept_labels, dense_tensor, sample_weight, within

WHERE = "classification metric"


def class_rows(
    prediction: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    n_classes: int | None = None,
    threshold: float | None = None,
) -> Rows:
    """Predicted and true classes, of which come weighted counts (..., C, C) in float64, [true class, predicted class].

    prediction: class scores (..., N, C), of which the largest decides (logits and probabilities decide alike; the
    first of equal ones wins); or class indices (..., N), then n_classes must be given for batches to be added (without
    it, it is the largest label + 1); or, for two classes, one score per sample (..., N) or (..., N, 1) and a
    `threshold` above which class 1 is predicted: 0 for logits, 0.5 for probabilities. target (N,), or (..., N) with
    one row per model. weight like target; samples of weight 0 are not read. A NaN among a sample's scores makes the
    counts NaN: such a row decides nothing.
    """
    target = accept_labels(WHERE, target)
    weight = None if weight is None else sample_weight(WHERE, weight, target.shape)
    prediction, is_nan, n_scores = _decide(prediction, target, threshold)
    n_classes = _number_of_classes(prediction, target, n_scores, n_classes)
    prediction, target, weight = _aligned(prediction, target, weight)
    if weight is not None:
        target, prediction = target.where(weight != 0, 0), prediction.where(weight != 0, 0)
    within(WHERE, "target", target, n_classes)
    if n_scores is None:
        within(WHERE, "prediction", prediction, n_classes)
    if is_nan is not None and bool(is_nan.any()):
        ones = torch.ones((), dtype=torch.float64, device=prediction.device) if weight is None else weight
        weight = torch.where(is_nan & (ones != 0), torch.nan, ones)
    n_lead = prediction.dim() - 1
    weight = None if weight is None else with_lead(weight, n_lead, 1)
    return Rows(prediction, with_lead(target, n_lead, 1), weight, n_lead, {"n_classes": n_classes})


def _count(rows: Rows) -> Tensor:
    """One bincount for all models: cell (k, t, p) is number (k * C + t) * C + p."""
    n_classes = rows.facts["n_classes"]
    cell = rows.target * n_classes + rows.prediction
    shape, lead = cell.shape, cell.shape[:-1]
    if lead.numel() > 1:
        cell = cell.reshape(lead.numel(), -1)
        cell = cell + torch.arange(lead.numel(), device=cell.device).unsqueeze(1) * n_classes**2
    flat = None if rows.weight is None else rows.weight.expand(shape).reshape(-1)
    counts = torch.bincount(cell.reshape(-1), flat, minlength=lead.numel() * n_classes**2)
    return counts.double().reshape(*lead, n_classes, n_classes)


def _support(state: Tensor) -> Tensor:
    return state.sum(-1)


def _quick(prediction: object, target: object, weight: object, **options: object) -> Tensor | None:
    """Plain scores of classes in one pass."""
    count = class_counts()
    if count is None or weight is not None or options:
        return None
    if not (isinstance(prediction, Tensor) and isinstance(target, Tensor)) or prediction.dim() < 2 or target.dim() < 1:
        return None
    return count(prediction, target)


confusion = Tally(class_rows, _count, reads="classes", quick=_quick, n_cells=2, support=_support)


# -- what is accepted --------------------------------------------------------------------------------------------------


def _decide(prediction: object, target: Tensor, threshold: float | None) -> tuple[Tensor, Tensor | None, int | None]:
    """Class indices (..., N), where a score was NaN, and the number of scores per sample (None: there were none)."""
    prediction, n = dense_tensor(WHERE, "prediction", prediction), target.shape[-1]
    if prediction.is_complex():
        raise DtypeError(
            where=WHERE,
            seen=f"prediction is {prediction.dtype}",
            needed="scores or class indices were needed",
            repair="prediction.real or prediction.abs()",
        )
    is_column = prediction.dim() >= 2 and prediction.shape[-2:] == (n, 1)
    if not prediction.is_floating_point():
        if threshold is not None:
            raise UsageError(
                where=WHERE,
                seen=f"threshold={threshold} for predictions of {prediction.dtype}",
                needed="scores were needed for a threshold",
                repair="Leave threshold out.",
            )
        _accept_samples(prediction, target, prediction.shape[-1:], is_column)
        return prediction.long(), None, None
    if threshold is not None:
        scores = prediction.squeeze(-1) if is_column else prediction
        _accept_samples(prediction, target, scores.shape[-1:], False)
        return (scores > threshold).long(), scores.isnan(), 2
    if is_column or prediction.dim() == 1 and prediction.shape == (n,):
        raise ShapeError(
            where=WHERE,
            seen=f"prediction has shape {tuple(prediction.shape)}: one score per sample",
            needed="one score per class, (N, C), or a threshold was needed",
            consequence="0 parts the classes of logits, 0.5 those of probabilities; which these are is never guessed.",
            repair="options={'threshold': 0.0} for logits, {'threshold': 0.5} for probabilities; "
            "prediction.long() if these are class indices.",
        )
    _accept_samples(prediction, target, prediction.shape[-2:-1], False)
    # max, not argmax: it hands NaN on, so NaN is looked for in N values instead of N * C
    best = prediction.max(-1)
    return best.indices, best.values.isnan(), prediction.shape[-1]


def _accept_samples(prediction: Tensor, target: Tensor, samples: torch.Size, is_column: bool) -> None:
    n = target.shape[-1]
    if tuple(samples) == (n,) and not (is_column and n != 1):
        return
    found = samples[0] if samples else 0
    repair = f"prediction has {found} samples and target {n}: were they cut from different batches?"
    if is_column:
        repair = "Did you mean prediction.squeeze(-1)?"
    elif prediction.dim() >= 2 and prediction.shape[-1] == n and prediction.is_floating_point():
        repair = "The classes seem to come before the samples: prediction.movedim(-2, -1)."
    elif prediction.dim() >= 2 and prediction.shape[-2] == n:
        repair = "For one-hot rows: prediction.argmax(-1)."
    raise ShapeError(
        where=WHERE,
        seen=f"prediction has shape {tuple(prediction.shape)} and target {tuple(target.shape)}",
        needed="prediction must be scores (..., N, C) or class indices (..., N), and target (..., N)",
        repair=repair,
    )


def _number_of_classes(prediction: Tensor, target: Tensor, n_scores: int | None, n_classes: int | None) -> int:
    if n_scores is not None:
        if n_classes not in (None, n_scores):
            raise ShapeError(
                where=WHERE,
                seen=f"{n_scores} scores per sample and n_classes={n_classes}",
                needed="one score per class was needed",
                repair="Leave n_classes out: the scores tell it.",
            )
        return n_scores
    if n_classes is not None:
        return n_classes
    largest = max((int(t.max()) for t in (prediction, target) if t.numel()), default=0)
    return max(largest + 1, 1)


def _aligned(prediction: Tensor, target: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
    """All on the prediction's device, with its lead or none."""
    if target.dim() > 1 and target.shape != prediction.shape:
        raise ShapeError(
            where=WHERE,
            seen=f"target has shape {tuple(target.shape)} and the models {tuple(prediction.shape[:-1])}",
            needed="one row of targets for all models, or one per model, was needed",
            repair="target of shape (N,), or one row per model.",
        )
    device = prediction.device
    return prediction, target.to(device), None if weight is None else weight.to(device)
