"""A multilayer perceptron: `depth` hidden layers of `width` rectified units."""

from __future__ import annotations

from typing import Literal

from torch import nn

from steepest.core.domains import Count, UnitOpen
from steepest.core.model import model

NORMS = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


@model(
    use="Tables, and anything without a known order of its features.",
    source="Rumelhart, Hinton & Williams 1986, doi:10.1038/323533a0",
)
def mlp(
    n_features: int, n_outputs: int, *, width: Count = 64, depth: Count = 2, dropout: UnitOpen = 0.0,
    norm: Literal["batch", "layer", None] = None,
) -> nn.Module:
    """(N, *) with n_features numbers per sample -> (N, n_outputs)."""
    layers: list[nn.Module] = [nn.Flatten()]
    for n_inputs in [n_features] + [width] * (depth - 1):
        # BatchNorm subtracts the mean, and with it any bias: its gradient would be rounding alone, and adam would walk on it.
        layers.append(nn.Linear(n_inputs, width, bias=norm != "batch"))
        if norm is not None:
            layers.append(NORMS[norm](width))
        layers.append(nn.ReLU())
        if dropout > 0:
            layers.append(nn.Dropout(float(dropout)))
    return nn.Sequential(*layers, nn.Linear(width, n_outputs))
