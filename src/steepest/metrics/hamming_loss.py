"""Hamming loss: the share of all labels of all samples that are wrong."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric

from .labels import ALARM, MISS, label_counts, n_of, of_each_label


@metric(
    counts=label_counts,
    task="multilabel",
    best="min",
    unit="share",
    equals="sklearn.metrics.hamming_loss",
    usual=True,
    formula="sum_c (wrongly given + missed) / (n L)",
    use="Several labels per sample, and each wrong one costs alike.",
    avoid="Labels that are mostly absent: giving none at all comes out near 0; multilabel_f1.",
    source="scikit-learn user guide, hamming_loss",
)
def hamming_loss(state: Tensor) -> Tensor:
    """Counts (..., L + 2, 4) -> (...). NaN without samples."""
    each = of_each_label(state)
    return (each[..., ALARM] + each[..., MISS]).sum(-1) / (n_of(state) * each.shape[-2])
