"""How many digits a body computes with: twice those of its input, where that costs little."""

from __future__ import annotations

import torch
from torch import Tensor

MOST = 2**20
"""Entries up to which float32 is computed in float64. Beyond, memory and an accelerator's slow float64 matter more."""


def widened(x: Tensor) -> Tensor:
    """float32 as float64: a difference of logits is then exact to float32's last digit, and so is what an exp makes of it."""
    if x.dtype is not torch.float32 or x.device.type == "mps" or x.numel() > MOST:
        return x
    return x.double()
