"""Inverse frequency: a class weighs 1 / its count, so all classes together count the same."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import ignores_data_size, rarer_weighs_more
from steepest.core.declare import weighting


@weighting(
    formula="1/n",
    claims=[rarer_weighs_more, ignores_data_size],
    use="Balanced accuracy or macro F1 decides and no class is tiny; with few samples in a class it trains on their noise.",
    source="King & Zeng 2001, doi:10.1093/oxfordjournals.pan.a004868; scikit-learn's class_weight='balanced'",
)
def inverse_frequency(counts: Tensor) -> Tensor:
    """Counts (*, C) -> (*, C). Median-frequency balancing on plain counts is the same weights on another scale."""
    return 1 / counts
