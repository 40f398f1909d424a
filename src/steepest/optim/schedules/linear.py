"""Linear: a straight fall from the full learning rate to the floor, without a warmup."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import ends_at_floor, falls, never_above_one
from steepest.core.declare import schedule
from steepest.core.domains import Unit


@schedule(
    formula="1 - (1 - floor) * s / h",
    claims=[never_above_one, ends_at_floor, falls],
    use="Short budgets of a known length, where it is hard to beat; with adaptive rules warmup_linear starts safer.",
    source="Li et al. 2020, arXiv:1905.04753",
)
def linear(step: Tensor, horizon: Tensor, *, floor: Unit = 0.0) -> Tensor:
    """torch's LinearLR from 1 to the floor in as many iterations as the run has."""
    return 1 - (1 - floor) * step / horizon
