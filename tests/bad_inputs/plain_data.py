"""Small data and models that are fine: what the tests beside this file spoil, one thing each."""

from __future__ import annotations

import torch
from torch import Tensor, nn

N = 32
DRAW = torch.Generator().manual_seed(0)
X = torch.randn(N, 4, generator=DRAW)
LABELS = torch.randint(0, 3, (N,), generator=DRAW)
NUMBERS = torch.randn(N, generator=DRAW)
NAN, INF = float("nan"), float("inf")


def net(n_inputs: int = 4, n_outputs: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(n_inputs, 8), nn.ReLU(), nn.Linear(8, n_outputs))


def with_value(tensor: Tensor, value: float) -> Tensor:
    """Its fourth row is the value."""
    changed = tensor.clone()
    changed[3] = value
    return changed


class Gives(nn.Module):
    """A model that returns what a function makes of its output and its input."""

    def __init__(self, what) -> None:
        super().__init__()
        self.layer, self.what = net(), what

    def forward(self, x):
        return self.what(self.layer(x), x)
