"""One cycle: a cosine rise from a small learning rate to the full one, then a cosine fall far below where it began."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from steepest.core.claims import ends_at_floor, falls, never_above_one
from steepest.core.declare import schedule
from steepest.core.domains import Linear, Unit, UnitOpen, UnitPositive


@schedule(
    formula="Piecewise((start + (1 - start) * (1 - cos(pi * s / w)) / 2, s < w), "
    "(floor + (1 - floor) * (1 + cos(pi * (s - w) / (h - 1 - w))) / 2, True))",
    claims=[never_above_one, ends_at_floor, falls],
    search={"warmup": Linear(0.1, 0.4)},
    use="Large learning rates with SGD and a short, known number of steps: the slow rise lets the rate be higher.",
    source="Smith & Topin 2018, arXiv:1708.07120; torch.optim.lr_scheduler.OneCycleLR, whose cosine form this is",
)
def one_cycle(
    step: Tensor, horizon: Tensor, *, warmup: UnitOpen = 0.3, start: UnitPositive = 0.04, floor: Unit = 4e-6
) -> Tensor:
    """warmup: the share of the steps that rise, one step less; the last step is at the floor, as in torch.

    In torch's words warmup is pct_start, start is 1 / div_factor and floor is start / final_div_factor. The momentum,
    which OneCycleLR lets fall and rise again, is left alone.
    """
    rising, last = warmup * horizon - 1, (horizon - 1).clamp(min=1)
    rise = start + (1 - start) * _wave(step / rising.clamp(min=1e-9))
    fall = floor + (1 - floor) * _wave(1 - (step - rising) / (last - rising))
    return torch.where(step < rising, rise, fall)


def _wave(share: Tensor) -> Tensor:
    return (1 - (math.pi * share.clamp(0, 1)).cos()) / 2
