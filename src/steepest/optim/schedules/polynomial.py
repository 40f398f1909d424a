"""Polynomial: a power of what is left of the run; below 1 the fall comes late and steep, above 1 early and gentle."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import ends_at_floor, falls, never_above_one
from steepest.core.declare import schedule
from steepest.core.domains import Log, Positive, Unit


@schedule(
    formula="floor + (1 - floor) * (1 - s / h) ** power",
    claims=[never_above_one, ends_at_floor, falls],
    search={"power": Log(0.5, 2.0)},
    use='Segmentation, whose recipes name it "poly"; elsewhere linear (power 1) or cosine do as well.',
    source="Chen et al. 2018, arXiv:1606.00915; torch.optim.lr_scheduler.PolynomialLR",
)
def polynomial(step: Tensor, horizon: Tensor, *, power: Positive = 0.9, floor: Unit = 0.0) -> Tensor:
    """torch's PolynomialLR, whose power is 1 by default and whose floor is 0."""
    return floor + (1 - floor) * (1 - step / horizon) ** power
