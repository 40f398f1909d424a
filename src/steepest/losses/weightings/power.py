"""Power: a class weighs its count to the power -alpha, from plain counting (0) over the square root (0.5) to full balance (1)."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import ignores_data_size, rarer_weighs_more
from steepest.core.declare import weighting
from steepest.core.domains import Linear, Unit


@weighting(
    formula="n**(-alpha)",
    claims=[rarer_weighs_more, ignores_data_size],
    search={"alpha": Linear(0, 1)},
    use="The right amount of balance is to be found: alpha is the one knob between none and inverse_frequency.",
    source="word frequencies to a power: Mikolov et al. 2013, NeurIPS",
)
def power(counts: Tensor, *, alpha: Unit = 0.75) -> Tensor:
    """Counts (*, C) -> (*, C)."""
    return counts ** (-alpha)
