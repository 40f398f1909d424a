"""Warmup, linear: a straight rise to the full learning rate, then a straight fall to the floor."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import ends_at_floor, falls, never_above_one
from steepest.core.declare import schedule
from steepest.core.domains import Log, Unit, UnitOpen


@schedule(
    formula="Min(1, (s + 1) / w) * (1 - (1 - floor) * Max(0, s - w) / (h - w))",
    claims=[never_above_one, ends_at_floor, falls],
    search={"warmup": Log(2e-2, 1e-1)},
    use="Fine-tuning transformers, and short budgets with adaptive rules.",
    source="Devlin et al. 2019, arXiv:1810.04805; a fall to 0: Li et al. 2020, arXiv:1905.04753",
)
def warmup_linear(step: Tensor, horizon: Tensor, *, warmup: UnitOpen = 0.1, floor: Unit = 0.0) -> Tensor:
    """warmup: the share of the steps that rise; the first step is not 0. After the last step comes the floor."""
    rising = warmup * horizon
    rise = ((step + 1) / rising).clamp(max=1)
    progress = ((step - rising) / (horizon - rising)).clamp(0, 1)
    return rise * (1 - (1 - floor) * progress)
