"""Constant: the learning rate as given, to the end."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.claims import falls, never_above_one
from steepest.core.declare import schedule


@schedule(
    formula="1",
    claims=[never_above_one, falls],
    use="Short runs, and rules that shrink their own steps; elsewhere a run whose learning rate falls ends lower.",
    source="Robbins & Monro 1951, doi:10.1214/aoms/1177729586, show why it cannot come to rest under noise",
)
def constant(step: Tensor, horizon: Tensor) -> Tensor:
    """1 at every step."""
    return torch.ones_like(step)
