"""Square root: a class weighs 1 / sqrt(its count), half-way between plain counting and full balance."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import ignores_data_size, rarer_weighs_more
from steepest.core.declare import weighting


@weighting(
    formula="1/sqrt(n)",
    claims=[rarer_weighs_more, ignores_data_size],
    use="Rare classes matter, but some have so few samples that full balance would train on their noise.",
    source="Mahajan et al. 2018, arXiv:1805.00932 (as sampling rates)",
)
def square_root(counts: Tensor) -> Tensor:
    """Counts (*, C) -> (*, C)."""
    return counts.rsqrt()
