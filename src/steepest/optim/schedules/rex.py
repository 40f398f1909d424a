"""REX: a fall that begins slower than the straight one and ends faster, so that little of a short budget is lost."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import ends_at_floor, falls, never_above_one
from steepest.core.declare import schedule
from steepest.core.domains import Unit


@schedule(
    formula="floor + (1 - floor) * (1 - s / h) / (1 - s / (2 * h))",
    claims=[never_above_one, ends_at_floor, falls],
    use="Budgets that may be short: meant to do well without knowing whether linear or a late drop would be better.",
    source="Chen, Wolfe & Kyrillidis 2022, arXiv:2107.04197",
)
def rex(step: Tensor, horizon: Tensor, *, floor: Unit = 0.0) -> Tensor:
    """The reflected exponential, set anew at every step."""
    left = 1 - step / horizon
    return floor + (1 - floor) * 2 * left / (1 + left)
