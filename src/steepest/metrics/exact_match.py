"""Exact match: the share of samples all of whose labels are right."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric

from .labels import label_counts, n_of


def _share(state: Tensor) -> tuple[Tensor, Tensor]:
    return state[..., -1, 1], n_of(state)


@metric(
    counts=label_counts,
    task="multilabel",
    best="max",
    unit="share",
    equals="sklearn.metrics.accuracy_score",
    share=_share,
    usual=True,
    formula="share of samples without a wrong label",
    use="Several labels per sample, of use only when all are right.",
    source="scikit-learn user guide, accuracy_score",
)
def exact_match(state: Tensor) -> Tensor:
    """Counts (..., L + 2, 4) -> (...). NaN without samples."""
    hits, tries = _share(state)
    return hits / tries
