"""None: every sample counts the same, so a class counts as much as it has samples."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.claims import ignores_data_size, rarer_weighs_more
from steepest.core.declare import weighting


@weighting(
    formula="1",
    claims=[rarer_weighs_more, ignores_data_size],
    use="What the others must beat: right where overall accuracy or honest probabilities matter.",
    source="the plain mean",
)
def none(counts: Tensor) -> Tensor:
    """Counts (*, C) -> ones (*, C)."""
    return torch.ones_like(counts)
