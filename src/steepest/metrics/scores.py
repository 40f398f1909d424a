"""Scores of classes: logits or probabilities, which is said by the caller and never guessed from the values."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.errors import DomainError, DtypeError, ShapeError, UsageError
from steepest.core.rows import Rows, with_lead

from .accept import accept_labels, dense_tensor, sample_weight, within

WHERE = "classification metric"


def probability_rows(
    prediction: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    from_logits: bool | None = None,
) -> Rows:
    """Logits or probabilities of classes (..., N, C), or of class 1 of two (N,) or (..., N, 1); target class indices.

    from_logits must be said: True for the outputs of a network without softmax or sigmoid at its end, False for
    probabilities. Samples of weight 0 are not read; a NaN among a sample's scores makes the value NaN.
    """
    if from_logits is None:
        raise _unsaid()
    return class_scores(prediction, target, weight, from_logits)


def class_scores(prediction: Tensor, target: Tensor, weight: Tensor | None, from_logits: bool | None) -> Rows:
    """Scores (..., N, C), C = 1 for those of class 1 of two, in float64; from_logits may stay unsaid for one score."""
    scores, labels = _floating(prediction), accept_labels(WHERE, target)
    eps = float(torch.finfo(scores.dtype).eps)
    scores = _in_columns(scores, labels).double()
    n_lead, n_columns = scores.dim() - 2, scores.shape[-1]
    if from_logits is None and n_columns > 1:
        raise _unsaid()
    weight = None if weight is None else sample_weight(WHERE, weight, labels.shape).to(scores.device)
    labels = labels.to(scores.device)
    if weight is not None:
        labels = labels.where(weight != 0, 0)
    within(WHERE, "target", labels, max(n_columns, 2))
    weight = None if weight is None else with_lead(weight, n_lead, 1)
    scores, weight = readable(scores, weight, 0.0 if from_logits is not False else 1 / max(n_columns, 2))
    if from_logits is False:
        _accept_probabilities(scores, eps)
    facts = {"from_logits": from_logits, "eps": eps, "n_scores": n_columns}
    return Rows(scores, with_lead(labels, n_lead, 1), weight, n_lead, facts)


def readable(scores: Tensor, weight: Tensor | None, neutral: float) -> tuple[Tensor, Tensor | None]:
    """Scores (..., N, C) without those of weight 0, and weights that are NaN where a score is."""
    if weight is not None:
        scores = torch.where((weight != 0).unsqueeze(-1), scores, neutral)
    is_nan = scores.isnan().any(-1)
    if bool(is_nan.any()):
        ones = torch.ones((), dtype=torch.float64, device=scores.device) if weight is None else weight
        weight = torch.where(is_nan, torch.nan, ones)
        scores = torch.where(is_nan.unsqueeze(-1), neutral, scores)
    return scores, weight


# -- what the scores mean ----------------------------------------------------------------------------------------------


def probabilities(rows: Rows) -> Tensor:
    """(..., N, C) for C >= 2 classes."""
    scores = rows.prediction
    if rows.facts["n_scores"] == 1:
        one = torch.sigmoid(scores) if rows.facts["from_logits"] else scores
        other = torch.sigmoid(-scores) if rows.facts["from_logits"] else 1 - scores
        return torch.cat([other, one], -1)
    return scores.softmax(-1) if rows.facts["from_logits"] else scores


def log_probabilities(rows: Rows) -> Tensor:
    """(..., N, C); probabilities are kept from 0 by their type's precision, logits need no such care."""
    if rows.facts["from_logits"]:
        z = rows.prediction
        if rows.facts["n_scores"] == 1:
            return torch.nn.functional.logsigmoid(torch.cat([-z, z], -1))
        return z.log_softmax(-1)
    return probabilities(rows).clamp(rows.facts["eps"], 1 - rows.facts["eps"]).log()


def order_of(rows: Rows) -> Tensor:
    """Numbers (..., N, C) that order the samples as the probability of each class does; C = 1 for class 1 of two.

    Logits become log odds against all other classes: near 1 probabilities of different samples round to the same number.
    """
    scores = rows.prediction
    if not rows.facts["from_logits"] or rows.facts["n_scores"] == 1:
        return scores[..., 1:] if rows.facts["n_scores"] == 2 else scores
    if rows.facts["n_scores"] == 2:
        return scores[..., 1:] - scores[..., :1]
    first, second = scores.topk(2, -1).values.split(1, -1)
    is_first = torch.zeros_like(scores, dtype=torch.bool).scatter_(-1, scores.argmax(-1, keepdim=True), True)
    share = torch.where(is_first, 1.0, (scores - first).exp())  # infinity less itself is NaN
    total = share.sum(-1, keepdim=True)
    rest = torch.where(is_first, 0.0, (scores - second).exp().clamp(max=1.0)).sum(-1, keepdim=True)
    others = torch.where(is_first, second + rest.log(), first + (total - torch.where(is_first, 0.0, share)).log())
    return scores - others


# -- what is accepted --------------------------------------------------------------------------------------------------


def _unsaid() -> UsageError:
    return UsageError(
        where=WHERE,
        seen="from_logits was not given",
        needed="whether the scores are logits or probabilities must be said",
        consequence="Guessed from the values, the result would depend on how the data are cut into batches.",
        repair="from_logits=True for outputs without softmax or sigmoid at their end, from_logits=False for probabilities.",
    )


def _floating(prediction: object) -> Tensor:
    scores = dense_tensor(WHERE, "prediction", prediction)
    if not scores.is_floating_point():
        raise DtypeError(
            where=WHERE,
            seen=f"prediction is {scores.dtype}",
            needed="floating scores of classes were needed",
            repair="Give what the model returns, before .argmax(-1)."
            if not scores.is_complex()
            else "prediction.real or prediction.abs()",
        )
    return scores


def _in_columns(scores: Tensor, target: Tensor) -> Tensor:
    """(..., N, C); one score per sample is one column."""
    n = target.shape[-1]
    if scores.shape == target.shape:
        return scores.unsqueeze(-1)
    if scores.dim() >= 2 and scores.shape[-2] == n and (target.dim() == 1 or scores.shape[:-1] == target.shape):
        return scores
    repair = f"prediction has {len(scores) if scores.dim() else 0} samples and target {n}: were they cut from different batches?"
    if scores.dim() >= 2 and scores.shape[-2] == n:
        repair = "target of shape (N,), or one row per model."
    elif scores.dim() >= 2 and scores.shape[-1] == n:
        repair = "Classes before samples: prediction.movedim(-2, -1). One score per sample of K models: prediction.unsqueeze(-1)."
    raise ShapeError(
        where=WHERE,
        seen=f"prediction has shape {tuple(scores.shape)} and target {tuple(target.shape)}",
        needed="prediction must be scores (..., N, C), or (N,) or (..., N, 1) of class 1 of two, and target (..., N)",
        repair=repair,
    )


def _accept_probabilities(scores: Tensor, eps: float) -> None:
    if not scores.numel():
        return
    low, high = scores.aminmax()
    if low < 0 or high > 1:
        raise DomainError(
            where=WHERE,
            seen=f"probabilities from {low.item():.4g} to {high.item():.4g}",
            needed="they must lie between 0 and 1",
            repair="from_logits=True if these are logits.",
        )
    if scores.shape[-1] == 1:
        return
    off = (scores.sum(-1) - 1).abs().max()
    if off > max(1e-3, 4 * eps * scores.shape[-1]):
        raise DomainError(
            where=WHERE,
            seen=f"a row of probabilities whose sum is off 1 by {off.item():.3g}",
            needed="rows of sum 1 were needed",
            repair="prediction.softmax(-1), or from_logits=True; for several labels "
            "per sample take the metrics of multi-label targets.",
        )
