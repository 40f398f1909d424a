"""Cyclic: the learning rate climbs from the floor and falls back to it along straight lines, several times over."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.claims import ends_at_floor, never_above_one
from steepest.core.declare import schedule
from steepest.core.domains import Count, Log, UnitPositive


@schedule(
    formula="floor + (1 - floor) * shrink**c * (1 - Abs(2 * p - 1))",
    claims=[never_above_one, ends_at_floor],
    search={"floor": Log(3e-2, 3e-1)},
    use="Collecting several models from one run, one at the end of each cycle; for one model take a single fall.",
    source="Smith 2017, arXiv:1506.01186; torch.optim.lr_scheduler.CyclicLR",
)
def cyclic(
    step: Tensor, horizon: Tensor, *, cycles: Count = 4, floor: UnitPositive = 0.1, shrink: UnitPositive = 1.0
) -> Tensor:
    """shrink: how much higher a cycle is than the next, 1 for torch's mode "triangular", 0.5 for "triangular2".

    torch's base_lr is floor * max_lr, and its step_size_up half a cycle.
    """
    done = step * cycles / horizon
    cycle = (done + 1e-9).floor().clamp(max=cycles - 1)
    height = torch.as_tensor(shrink, dtype=step.dtype) ** cycle
    return floor + (1 - floor) * height * (1 - (2 * (done - cycle) - 1).abs()).clamp(min=0)
