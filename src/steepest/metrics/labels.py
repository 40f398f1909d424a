"""Several labels per sample, each there or not: their decisions, counted label by label and sample by sample."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from steepest.core.errors import DtypeError, LabelError, ShapeError, UsageError
from steepest.core.rows import Rows, with_lead
from steepest.core.tally import Tally

from .accept import dense_tensor, sample_weight
from .averages import share
from .ranking import count_scores, rank, with_bins
from .scores import readable

WHERE = "multi-label metric"
LabelAverage = Literal["macro", "micro", "weighted", "samples", "none"]

# The last axis of a state (..., L + 2, 4). Rows 0 to L - 1: counts of each label. Row L: sums over the samples of their
# own precision, recall, F1 and Jaccard. Row L + 1: the weight of all samples, and of those that have every label right.
HIT, ALARM, MISS, REST = range(4)
OF_SAMPLES = {"precision": 0, "recall": 1, "f1": 2, "jaccard": 3}


def label_rows(
    prediction: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    threshold: float | None = None,
) -> Rows:
    """Decisions on L labels (..., N, L) and the truth (N, L), or with the same lead, of 0 and 1.

    prediction: bool or whole numbers 0 and 1; or scores and the `threshold` above which a label is given: 0 for logits,
    0.5 for probabilities, or one per label. weight (N,): samples of weight 0 are not read; a NaN score makes the value NaN.
    """
    given, truth, weight, n_lead = _accepted(prediction, target, weight)
    if given.is_floating_point():
        if threshold is None:
            raise UsageError(
                where=WHERE,
                seen=f"predictions of {given.dtype} and no threshold",
                needed="decisions of 0 and 1, or a threshold, were needed",
                repair="threshold=0.0 for logits, 0.5 for probabilities; prediction.bool() if these are decisions.",
            )
        given, weight = readable(given.double(), weight, 0.0)
        given = given > torch.as_tensor(threshold, dtype=torch.float64, device=given.device)
    else:
        if threshold is not None:
            raise UsageError(
                where=WHERE,
                seen=f"threshold={threshold} for predictions of {given.dtype}",
                needed="scores were needed for a threshold",
                repair="Leave threshold out.",
            )
        given = _zeros_and_ones("prediction", given, weight)
    return Rows(given, truth, weight, n_lead, {"n_labels": truth.shape[-1]})


def label_score_rows(
    prediction: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    bins: int | None = None,
) -> Rows:
    """Scores of L labels (..., N, L), logits or probabilities, which order samples alike; the truth (N, L) of 0 and 1.

    bins: count into a histogram of so many scores, a state of fixed size, instead of keeping all rows.
    """
    scores, truth, weight, n_lead = _accepted(prediction, target, weight)
    if not scores.is_floating_point():
        raise DtypeError(
            where=WHERE,
            seen=f"prediction is {scores.dtype}",
            needed="floating scores of labels were needed",
            repair="Give what the model returns, before the threshold.",
        )
    scores, weight = readable(scores.double(), weight, 0.0)
    # one score per label: nothing but its order is read, so that it does not matter whether these are logits
    facts = {"from_logits": None, "n_scores": 1, "n_labels": truth.shape[-1]}
    return with_bins(Rows(scores, truth, weight, n_lead, facts), bins)


def _accepted(prediction: object, target: object, weight: object) -> tuple[Tensor, Tensor, Tensor | None, int]:
    given, truth = dense_tensor(WHERE, "prediction", prediction), dense_tensor(WHERE, "target", target)
    if given.is_complex():
        raise DtypeError(
            where=WHERE,
            seen=f"prediction is {given.dtype}",
            needed="scores or decisions were needed",
            repair="prediction.real or prediction.abs()",
        )
    fits = given.dim() >= 2 and truth.dim() >= 2 and truth.shape in (given.shape, given.shape[-2:])
    if not fits:
        repair = (
            "Labels of one class per sample: the same metric without multilabel_."
            if truth.dim() == 1
            else (
                "The labels seem to come before the samples: .movedim(-2, -1)."
                if truth.shape[-2:] == given.shape[-2:][::-1]
                else "Were they cut from different batches?"
            )
        )
        raise ShapeError(
            where=WHERE,
            seen=f"prediction has shape {tuple(given.shape)} and target {tuple(truth.shape)}",
            needed="prediction (..., N, L) and target (N, L), a column per label, were needed",
            repair=repair,
        )
    n_lead = given.dim() - 2
    truth = with_lead(truth.to(given.device), n_lead, 2)
    kept = None
    if weight is not None:
        kept = with_lead(sample_weight(WHERE, weight, given.shape[:-1]).to(given.device), n_lead, 1)
    return given, _zeros_and_ones("target", truth, kept), kept, n_lead


def _zeros_and_ones(name: str, labels: Tensor, weight: Tensor | None) -> Tensor:
    if labels.dtype == torch.bool:
        return labels
    if weight is not None:
        labels = torch.where((weight != 0).unsqueeze(-1), labels, 0)
    wrong = (labels != 0) & (labels != 1)
    if bool(wrong.any()):
        place = wrong.nonzero()[0].tolist()
        raise LabelError(
            where=WHERE,
            seen=f"{name}{place} is {labels[tuple(place)].item():g} (first of {int(wrong.sum())})",
            needed="0 or 1 was needed for every label",
            repair="To leave samples out give them weight 0.",
        )
    return labels.bool()


def _count(rows: Rows) -> Tensor:
    given, truth = rows.prediction, rows.target
    hit, alarm, miss = (t.double() for t in (given & truth, given & ~truth, ~given & truth))
    rest = 1 - hit - alarm - miss
    each = torch.stack([hit, alarm, miss, rest], -1)
    sums = each.sum(-2)
    right, given_n, true_n = sums[..., HIT], sums[..., HIT] + sums[..., ALARM], sums[..., HIT] + sums[..., MISS]
    own = [share(right, given_n), share(right, true_n), share(2 * right, given_n + true_n)]
    own.append(share(right, given_n + true_n - right))
    exact = (alarm + miss).sum(-1) == 0
    whole = [torch.ones_like(right), exact.double(), torch.zeros_like(right), torch.zeros_like(right)]
    table = torch.cat([each, torch.stack(own, -1).unsqueeze(-2), torch.stack(whole, -1).unsqueeze(-2)], -2)
    if rows.weight is not None:
        table = table * rows.weight.unsqueeze(-1).unsqueeze(-1)
    return table.sum(rows.n_lead)


def _support(state: Tensor) -> Tensor:
    return state[..., :-2, HIT] + state[..., :-2, MISS]


label_counts = Tally(label_rows, _count, reads="label decisions", support=_support)


def of_each_label(state: Tensor) -> Tensor:
    """(..., L, 4)"""
    return state[..., :-2, :]


def n_of(state: Tensor) -> Tensor:
    """The weight of all samples, (...)."""
    return state[..., -1, 0]


def averaged(hits: Tensor, tries: Tensor, state: Tensor, average: LabelAverage, name: str) -> Tensor:
    """hits / tries per label (..., L), averaged; 0 where a label has no tries; NaN where nothing was counted at all."""
    support = _support(state)
    if average == "samples":
        value = state[..., -2, OF_SAMPLES[name]] / n_of(state)
    elif average == "micro":
        value = share(hits.sum(-1), tries.sum(-1))
    elif average == "weighted":
        value = share((share(hits, tries) * support).sum(-1), support.sum(-1))
    elif average == "macro":
        value = share(hits, tries).mean(-1)
    else:
        return torch.where((n_of(state) > 0).unsqueeze(-1), share(hits, tries), torch.nan)
    return torch.where(n_of(state) > 0, value, torch.nan)


def tries_of(hits: Tensor, tries: Tensor, average: LabelAverage) -> tuple[Tensor, Tensor] | None:
    """What a value per label is a share of; labels of one sample are not independent, so "micro" is no share."""
    return (hits, tries) if average == "none" else None


def _rank_support(state: Tensor | Rows) -> Tensor:
    return rank(state).positive.sum(-1)


label_ranking = Tally(label_score_rows, count_scores, reads="label scores", support=_rank_support)
