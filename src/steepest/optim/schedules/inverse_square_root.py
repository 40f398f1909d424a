"""Inverse square root: a straight rise, then a fall with the root of the step, which needs no end."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.claims import falls, never_above_one
from steepest.core.declare import schedule
from steepest.core.domains import Log, UnitOpen


@schedule(
    formula="Min((s + 1) / w, sqrt(w / (s + 1)))",
    claims=[never_above_one, falls],
    search={"warmup": Log(2e-2, 1e-1)},
    use="Runs of unknown length, as the first transformers were trained; one that ends at a known step ends higher.",
    source="Vaswani et al. 2017, arXiv:1706.03762",
)
def inverse_square_root(step: Tensor, horizon: Tensor, *, warmup: UnitOpen = 0.05) -> Tensor:
    """warmup: the share of the steps that rise, one step at least. The last multiplier is near sqrt(warmup)."""
    rising = (warmup * horizon).clamp(min=1)
    return torch.minimum((step + 1) / rising, (rising / (step + 1)).sqrt()).clamp(max=1)
