"""Clip by value: no entry of the gradient is larger than a limit, so that one wild entry cannot spoil the states."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.domains import Log, Positive
from steepest.core.transform import transform


@transform(
    acts_on="gradient",
    formula="Min(Max(g, -limit), limit)",
    search={"limit": Log(1e-2, 1e1)},
    use="Single entries that explode, as in recurrent networks.",
    avoid="The gradient's direction matters: cutting entries turns it. clip_norm keeps it.",
    source="torch.nn.utils.clip_grad_value_",
)
def clip_value(grad: Tensor, *, limit: Positive = 1.0) -> Tensor:
    """Every entry is cut to [-limit, limit]; NaN stays."""
    return torch.clamp(grad, -limit, limit)  # type: ignore[arg-type]
