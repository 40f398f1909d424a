"""Clip by norm: a gradient of the whole model that is longer than a limit is shortened to it, its direction kept."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from steepest.core.domains import Log, Positive
from steepest.core.transform import transform


@transform(
    acts_on="gradient",
    formula="g * Min(1, max_norm / (norm + 0.000001))",
    search={"max_norm": Log(1e-1, 1e1)},
    use="Transformers and recurrent networks, whose gradients are now and then much longer than usual.",
    avoid="Every step is clipped: then the limit is the learning rate, and tuning one means tuning the other.",
    source="Pascanu et al. 2013, arXiv:1211.5063; torch.nn.utils.clip_grad_norm_",
)
def clip_norm(grad: Tensor, *, norm: Any, max_norm: Positive = 1.0) -> Tensor:
    """norm is that of all parameters together, as in torch; a gradient that is not finite stays so."""
    return grad * (max_norm / (norm + 1e-6)).clamp(max=1)
