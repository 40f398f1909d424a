"""F1 of labels: the harmonic mean of their precision and recall."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric

from .labels import ALARM, HIT, MISS, LabelAverage, averaged, label_counts, of_each_label


@metric(
    counts=label_counts,
    task="multilabel",
    best="max",
    unit="share",
    equals="sklearn.metrics.f1_score",
    equals_with={"average": "macro", "zero_division": 0},
    usual=True,
    formula="2 n_cc / (2 n_cc + wrongly given + missed)",
    use="Several labels per sample, most of them absent, and both missing and wrong ones cost.",
    source="van Rijsbergen 1979, Information Retrieval, chapter 7",
)
def multilabel_f1(state: Tensor, *, average: LabelAverage = "macro") -> Tensor:
    """Counts (..., L + 2, 4) -> (...); average="samples": the mean over samples of each one's own. 0 where nothing could be hit."""
    each = of_each_label(state)
    return averaged(2 * each[..., HIT], 2 * each[..., HIT] + each[..., ALARM] + each[..., MISS], state, average, "f1")
