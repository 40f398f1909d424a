"""Precision of labels: of those that were given, the share that is true."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric

from .labels import ALARM, HIT, LabelAverage, averaged, label_counts, of_each_label, tries_of


def _tries(state: Tensor) -> tuple[Tensor, Tensor]:
    each = of_each_label(state)
    return each[..., HIT], each[..., HIT] + each[..., ALARM]


def _share(state: Tensor, *, average: LabelAverage = "macro") -> tuple[Tensor, Tensor] | None:
    return tries_of(*_tries(state), average)


@metric(
    counts=label_counts,
    task="multilabel",
    best="max",
    unit="share",
    equals="sklearn.metrics.precision_score",
    equals_with={"average": "macro", "zero_division": 0},
    share=_share,
    formula="n_cc / (n_cc + wrongly given)",
    use="Several labels per sample, and wrong ones are what costs.",
    source="van Rijsbergen 1979, Information Retrieval, chapter 7",
)
def multilabel_precision(state: Tensor, *, average: LabelAverage = "macro") -> Tensor:
    """Counts (..., L + 2, 4) -> (...); average="samples": the mean over samples of each one's own. 0 where nothing could be hit."""
    return averaged(*_tries(state), state, average, "precision")
