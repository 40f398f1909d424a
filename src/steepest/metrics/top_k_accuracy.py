"""Top-k accuracy: the share of samples whose class is among the k of the highest scores."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.declare import metric
from steepest.core.domains import Count
from steepest.core.errors import ShapeError
from steepest.core.rows import Rows
from steepest.core.tally import Tally

from .scores import WHERE, class_scores


def _score_rows(prediction: Tensor, target: Tensor, weight: Tensor | None = None) -> Rows:
    """Scores of classes (..., N, C), C >= 2: logits or probabilities, which rank alike; target class indices."""
    rows = class_scores(prediction, target, weight, from_logits=True)
    if rows.facts["n_scores"] < 2:
        raise ShapeError(
            where=WHERE,
            seen=f"prediction has shape {tuple(prediction.shape)}: one score per sample",
            needed="one score per class, (N, C), was needed",
            repair="For two classes take accuracy with a threshold.",
        )
    return rows


def _count(rows: Rows) -> Tensor:
    """Weighted counts (..., C) of the place of the true class, 0 for the highest score; of equal scores the last comes first."""
    scores, index = rows.prediction, rows.target.unsqueeze(-1).expand(*rows.prediction.shape[:-1], 1)
    own = scores.gather(-1, index)
    later = torch.arange(scores.shape[-1], device=scores.device) > index
    place = ((scores > own) | ((scores == own) & later)).sum(-1)
    weight = torch.ones((), dtype=torch.float64, device=scores.device) if rows.weight is None else rows.weight
    shape = torch.broadcast_shapes(place.shape, weight.shape)
    counts = torch.zeros(*shape[:-1], scores.shape[-1], dtype=torch.float64, device=scores.device)
    return counts.scatter_add_(-1, place.expand(shape), weight.expand(shape))


def _share(state: Tensor, *, k: Count = 2) -> tuple[Tensor, Tensor]:
    return state[..., :k].sum(-1), state.sum(-1)


@metric(
    counts=Tally(_score_rows, _count, reads="class scores", n_cells=1),
    task="classification",
    best="max",
    unit="share",
    equals="sklearn.metrics.top_k_accuracy_score",
    share=_share,
    formula="share of samples with fewer than k classes scored above the true one",
    use="Many classes, some alike, and a short list of guesses is useful.",
    source="scikit-learn user guide, top_k_accuracy_score",
)
def top_k_accuracy(state: Tensor, *, k: Count = 2) -> Tensor:
    """Counts (..., C) -> (...). 1 where there are no more than k classes; NaN without samples."""
    hits, tries = _share(state, k=k)
    return hits / tries
