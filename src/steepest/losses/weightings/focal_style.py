"""Focal style: a sample weighs (1 - p)^gamma, p the probability that the model gives to its label, whatever the loss."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.declare import weighting
from steepest.core.domains import Linear, NonNegative


@weighting(
    formula="(1 - q)**gamma",
    search={"gamma": Linear(0, 5)},
    use="Very many easy samples; as focal, but for any loss of labels, and as a weight: it changes no gradient's direction.",
    source="Lin et al. 2017, arXiv:1708.02002 (there a factor of cross-entropy, through which the gradient goes)",
    gives="focus",
)
def focal_style(counts: Tensor, *, gamma: NonNegative = 2.0) -> Tensor:
    """Counts (*, C) -> (*): gamma, for `focus=` of a loss of labels; the counts' own numbers play no part."""
    return torch.as_tensor(gamma, dtype=counts.dtype, device=counts.device).expand(counts.shape[:-1])
