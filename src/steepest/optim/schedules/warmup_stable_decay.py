"""Warmup, stable, decay: a straight rise, a long level stretch, a straight fall to the floor at the end."""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from steepest.core.claims import ends_at_floor, falls, never_above_one
from steepest.core.declare import schedule
from steepest.core.domains import Interval, Linear, Log, Unit, UnitOpen

SomeShare = Annotated[float | Tensor, Interval(0.0, 1.0, open_low=True)]


@schedule(
    formula="Min(1, (s + 1) / w) * (floor + (1 - floor) * Min(1, (h - s) / d))",
    claims=[never_above_one, ends_at_floor, falls],
    search={"warmup": Log(2e-2, 1e-1), "decay": Linear(0.1, 0.3)},
    use="When a run may be prolonged, or is compared at several lengths: they share the level part.",
    source="Hu et al. 2024, arXiv:2404.06395; a fall over a fifth of the run: Hägele et al. 2024, arXiv:2405.18392",
)
def warmup_stable_decay(
    step: Tensor,
    horizon: Tensor,
    *,
    warmup: UnitOpen = 0.05,
    decay: SomeShare = 0.2,
    floor: Unit = 0.0,
) -> Tensor:
    """warmup, decay: the shares of the steps that rise and that fall. After the last step the floor is reached."""
    rise = ((step + 1) / (warmup * horizon)).clamp(max=1)
    left = ((horizon - step) / (decay * horizon)).clamp(max=1)
    return rise * (floor + (1 - floor) * left)
