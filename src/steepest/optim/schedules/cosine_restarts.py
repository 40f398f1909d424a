"""Cosine restarts: half cosine waves one after the other, each longer than the one before, the last ending the run."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from torch import Tensor

from steepest.core.claims import ends_at_floor, never_above_one
from steepest.core.declare import schedule
from steepest.core.domains import Count, Interval, Unit

OneOrMore = Annotated[float | Tensor, Interval(low=1.0)]


@schedule(
    formula="floor + (1 - floor) * (1 + cos(pi * p)) / 2",
    claims=[never_above_one, ends_at_floor],
    use="A good model at several times of the run: each cycle ends in one; for the last one alone take cosine.",
    source="Loshchilov & Hutter 2017, arXiv:1608.03983; torch.optim.lr_scheduler.CosineAnnealingWarmRestarts",
)
def cosine_restarts(
    step: Tensor, horizon: Tensor, *, cycles: Count = 3, growth: OneOrMore = 2.0, floor: Unit = 0.0
) -> Tensor:
    """growth: how many times longer a cycle is than the one before, torch's T_mult. The cycles fill the run."""
    ratio = torch.as_tensor(growth, dtype=step.dtype)
    is_equal = ratio == 1
    base = torch.where(is_equal, 2.0, ratio)
    length = torch.where(is_equal, cycles, (base**cycles - 1) / (base - 1))  # of the run, in first cycles
    done = step / horizon * length
    cycle = torch.where(is_equal, done, ((base - 1) * done + 1).log() / base.log())
    cycle = (cycle + 1e-9).floor().clamp(max=cycles - 1)
    begun = torch.where(is_equal, cycle, (base**cycle - 1) / (base - 1))
    share = ((done - begun) / ratio**cycle).clamp(0, 1)
    return floor + (1 - floor) * (1 + (math.pi * share).cos()) / 2
