"""One linear layer: logistic or linear regression, the floor that any deeper model must beat."""

from __future__ import annotations

from torch import nn

from steepest.core.model import model


@model(use="A first, convex baseline: when a deep model is no better, the features decide, not the depth.")
def linear(n_features: int, n_outputs: int) -> nn.Module:
    """(N, *) with n_features numbers per sample -> (N, n_outputs)."""
    return nn.Sequential(nn.Flatten(), nn.Linear(n_features, n_outputs))
