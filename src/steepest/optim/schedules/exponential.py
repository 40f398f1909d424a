"""Exponential: every step multiplies the learning rate by the same number, which brings it to the floor at the end."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.claims import ends_at_floor, falls, never_above_one
from steepest.core.declare import schedule
from steepest.core.domains import Log, UnitPositive


@schedule(
    formula="floor ** (s / h)",
    claims=[never_above_one, ends_at_floor, falls],
    search={"floor": Log(1e-3, 1e-1)},
    use="When the right size of the learning rate is unknown by orders of magnitude: it visits all of them.",
    source="torch.optim.lr_scheduler.ExponentialLR",
)
def exponential(step: Tensor, horizon: Tensor, *, floor: UnitPositive = 0.01) -> Tensor:
    """torch's ExponentialLR with gamma = floor ** (1 / horizon)."""
    return torch.as_tensor(floor, dtype=step.dtype) ** (step / horizon)
