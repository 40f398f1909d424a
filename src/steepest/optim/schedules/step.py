"""Step: the learning rate is divided by the same number each time that a share of the run is over."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.claims import falls, never_above_one
from steepest.core.declare import schedule
from steepest.core.domains import Linear, Log, UnitPositive


@schedule(
    formula="factor ** floor(s / (every * h))",
    claims=[never_above_one, falls],
    search={"every": Linear(0.2, 0.5), "factor": Log(0.05, 0.5)},
    use="Recipes that were published with it, such as ResNets; smooth falls have one choice less to make.",
    source="Goyal et al. 2017, arXiv:1706.02677; torch.optim.lr_scheduler.StepLR",
)
def step(step: Tensor, horizon: Tensor, *, every: UnitPositive = 0.3, factor: UnitPositive = 0.1) -> Tensor:
    """every: share of the run between two drops, as torch's StepLR with step_size = every * horizon, gamma = factor."""
    n_drops = (step / (every * horizon) + 1e-9).floor()  # a tenth of 30 may miss 3 by rounding
    return torch.as_tensor(factor, dtype=step.dtype) ** n_drops
