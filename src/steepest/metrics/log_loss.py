"""Log loss: how surprised the model is by the true classes, in nats; the mean negative log-likelihood."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric
from steepest.core.rows import Rows

from .sample_means import mean, sample_means
from .scores import log_probabilities, probability_rows


def _surprise(rows: Rows) -> Tensor:
    found = log_probabilities(rows)
    index = rows.target.unsqueeze(-1).expand(*found.shape[:-1], 1)
    return -found.gather(-1, index).squeeze(-1)


@metric(
    counts=sample_means(probability_rows, "class scores", _surprise),
    task="classification",
    best="min",
    unit="",
    equals="sklearn.metrics.log_loss",
    formula="sum w (-log p_y) / sum w",
    use="Probabilities matter, and a confident mistake must cost dearly.",
    avoid="Some labels are wrong: one of them can decide the value; brier is bounded.",
    source="scikit-learn user guide, log_loss",
)
def log_loss(state: Tensor) -> Tensor:
    """Sums (..., 2) -> (...). NaN without samples."""
    return mean(state)
