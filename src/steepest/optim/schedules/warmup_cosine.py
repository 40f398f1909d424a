"""Warmup, cosine: a straight rise to the full learning rate, then half a cosine wave down to the floor."""

from __future__ import annotations

import math

from torch import Tensor

from steepest.core.claims import ends_at_floor, falls, never_above_one
from steepest.core.declare import schedule
from steepest.core.domains import Log, Unit, UnitOpen


@schedule(
    formula="floor + (1 - floor) * (1 + cos(pi * (s - w) / (h - w))) / 2",
    claims=[never_above_one, ends_at_floor, falls],
    search={"warmup": Log(2e-2, 1e-1)},
    use="The common choice when the number of steps is known; stopped early it has not fallen, and its score misleads.",
    source="Loshchilov & Hutter 2017, arXiv:1608.03983; warmup: Goyal et al. 2017, arXiv:1706.02677",
)
def warmup_cosine(step: Tensor, horizon: Tensor, *, warmup: UnitOpen = 0.05, floor: Unit = 0.0) -> Tensor:
    """warmup: the share of the steps that rise; the first step is not 0. After the last step comes the floor."""
    rising = warmup * horizon
    rise = ((step + 1) / rising).clamp(max=1)
    progress = ((step - rising) / (horizon - rising)).clamp(0, 1)
    return rise * (floor + (1 - floor) * (1 + (math.pi * progress).cos()) / 2)
