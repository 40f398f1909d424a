"""Cosine: half a cosine wave from the full learning rate down to the floor, without a warmup."""

from __future__ import annotations

import math

from torch import Tensor

from steepest.core.claims import ends_at_floor, falls, never_above_one
from steepest.core.declare import schedule
from steepest.core.domains import Unit


@schedule(
    formula="floor + (1 - floor) * (1 + cos(pi * s / h)) / 2",
    claims=[never_above_one, ends_at_floor, falls],
    use="SGD with momentum and a known number of steps; adaptive rules start safer with warmup_cosine.",
    source="Loshchilov & Hutter 2017, arXiv:1608.03983; torch.optim.lr_scheduler.CosineAnnealingLR",
)
def cosine(step: Tensor, horizon: Tensor, *, floor: Unit = 0.0) -> Tensor:
    """torch's CosineAnnealingLR with T_max = horizon, which climbs again beyond its end; this one stays down."""
    return floor + (1 - floor) * (1 + (math.pi * step / horizon).cos()) / 2
