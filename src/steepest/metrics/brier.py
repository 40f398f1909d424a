"""Brier score: the squared distance of the probabilities from what came true, between 0 and 1 (2 for many classes)."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import one_hot

from steepest.core.declare import metric
from steepest.core.rows import Rows

from .sample_means import mean, sample_means
from .scores import probabilities, probability_rows


def _distance(rows: Rows) -> Tensor:
    p = probabilities(rows)
    squared = (p - one_hot(rows.target, p.shape[-1])).square().sum(-1)
    return squared / 2 if p.shape[-1] == 2 else squared


@metric(
    counts=sample_means(probability_rows, "class scores", _distance),
    task="classification",
    best="min",
    unit="",
    equals="sklearn.metrics.brier_score_loss",
    formula="sum w sum_c (p_c - [y = c])**2 / sum w, halved for two classes",
    use="Probabilities matter: it judges sharpness and calibration at once, and no single sample can decide it.",
    source="scikit-learn user guide, brier_score_loss",
)
def brier(state: Tensor) -> Tensor:
    """Sums (..., 2) -> (...). NaN without samples."""
    return mean(state)
