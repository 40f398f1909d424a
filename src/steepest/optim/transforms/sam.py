"""SAM: the gradient is taken where the loss is highest nearby, so that training ends in flat places."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from steepest.core.domains import Log, Positive
from steepest.core.transform import transform


@transform(
    acts_on="point",
    formula="rho * g / (norm + 10**(-12))",
    search={"rho": Log(1e-2, 2e-1)},
    use="Small data and large models, where the training loss is near zero and the rest is generalisation.",
    avoid="Time is short: every step costs two gradients, which a budget of epochs counts as one.",
    source="Foret et al. 2021, arXiv:2010.01412",
)
def sam(grad: Tensor, *, norm: Any, rho: Positive = 0.05) -> Tensor:
    """The second gradient is taken rho along the first one; the weights step from where they were."""
    return rho * grad / (norm + 1e-12)
