"""MARS correction: the gradient is corrected by how it changed since the last step, which takes out noise."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from steepest.core.domains import Log, Log1m, NonNegative, UnitOpen
from steepest.core.transform import transform

from ..wholes import norm


@transform(
    acts_on="gradient",
    formula="c / Max(1, |c|)",
    search={"gamma": Log(6.25e-3, 5e-2), "beta": Log1m(2e-2, 2e-1)},
    use="Noisy training with a rule that has momentum, where one more state fits into memory.",
    avoid="Full batches or smooth losses: there is no noise to take out, and the change of the gradient is curvature.",
    source="Yuan et al. 2024, arXiv:2411.10438; the form with one gradient per step",
    looks_at="tensor",
)
def mars_correction(
    grad: Tensor, last: Tensor, *, t: Any, gamma: NonNegative = 0.025, beta: UnitOpen = 0.95
) -> tuple[Tensor, Tensor]:
    """c = g + gamma * beta / (1 - beta) * (g - last g), cut to length 1 in each tensor; beta: the rule's momentum."""
    corrected = grad + gamma * beta / (1 - beta) * (t > 1) * (grad - last)
    return corrected / norm(corrected).clamp(min=1), grad
