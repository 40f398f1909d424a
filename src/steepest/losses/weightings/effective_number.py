"""Effective number (class-balanced): samples of a class overlap, so beyond 1 / (1 - beta) of them more change its weight no more."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from steepest.core.claims import rarer_weighs_more
from steepest.core.declare import weighting
from steepest.core.domains import Log1m, UnitOpen


@weighting(
    formula="(1 - beta)/(1 - beta**n)",
    claims=[rarer_weighs_more],
    search={"beta": Log1m(1e-4, 1e-1)},
    use="Long-tailed data: rare classes count more, common ones are not punished further for being very common.",
    source="Cui et al. 2019, arXiv:1901.05555 (there the weights' mean over classes is 1, here over samples)",
)
def effective_number(counts: Tensor, *, beta: UnitOpen = 0.999) -> Tensor:
    """Counts (*, C) -> (*, C). beta = 0 is none; beta -> 1 is inverse_frequency."""
    log_beta = beta.to(counts).log() if isinstance(beta, Tensor) else math.log(beta) if beta > 0 else -math.inf
    return -1 / torch.expm1(counts * log_beta)
