"""Recall of labels: of those that are true, the share that was given."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric

from .labels import HIT, MISS, LabelAverage, averaged, label_counts, of_each_label, tries_of


def _tries(state: Tensor) -> tuple[Tensor, Tensor]:
    each = of_each_label(state)
    return each[..., HIT], each[..., HIT] + each[..., MISS]


def _share(state: Tensor, *, average: LabelAverage = "macro") -> tuple[Tensor, Tensor] | None:
    return tries_of(*_tries(state), average)


@metric(
    counts=label_counts,
    task="multilabel",
    best="max",
    unit="share",
    equals="sklearn.metrics.recall_score",
    equals_with={"average": "macro", "zero_division": 0},
    share=_share,
    formula="n_cc / (n_cc + missed)",
    use="Several labels per sample, and missing ones are what costs.",
    source="van Rijsbergen 1979, Information Retrieval, chapter 7",
)
def multilabel_recall(state: Tensor, *, average: LabelAverage = "macro") -> Tensor:
    """Counts (..., L + 2, 4) -> (...); average="samples": the mean over samples of each one's own. 0 where nothing could be hit."""
    return averaged(*_tries(state), state, average, "recall")
