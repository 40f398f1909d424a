"""Uncertainty weighting: several loss terms in one sum whose weights are learned, each by how noisy its task is."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from steepest.core.errors import ShapeError, UsageError

TASKS = {"regression": 0.5, "classification": 1.0}


class UncertaintyWeighting(nn.Module):
    """Sum over terms of c * exp(-s) * term + s / 2, with one learned s = log(sigma^2) per term.

    tasks: one word per term, "regression" (c = 1/2: a Gaussian's squared error) or "classification" (c = 1: a softmax).
    Give its parameters to the optimizer, without weight decay: `log_variance` (T,) starts at 0.
    Terms must be means that can fall to 0; at the optimum exp(s) = 2 * c * term. A term of 0 would pull its s to -infinity.
    Source: Kendall, Gal & Cipolla 2018, arXiv:1705.07115
    """

    factors: Tensor

    def __init__(self, tasks: Sequence[str]) -> None:
        super().__init__()
        strange = [task for task in tasks if task not in TASKS]
        if strange or not tasks:
            raise UsageError(
                where="UncertaintyWeighting",
                seen=f"tasks are {list(tasks)}",
                needed="one word per loss term was needed: regression or classification",
                repair='For example UncertaintyWeighting(["regression", "classification"]).',
            )
        self.tasks = tuple(tasks)
        self.log_variance = nn.Parameter(torch.zeros(len(tasks)))
        self.register_buffer("factors", torch.tensor([TASKS[task] for task in tasks]))

    def forward(self, *terms: Tensor) -> Tensor:
        """The weighted sum of scalar terms, in the order of the tasks."""
        if len(terms) != len(self.tasks) or any(term.dim() for term in terms):
            raise ShapeError(
                where="UncertaintyWeighting",
                seen=f"terms of shapes {', '.join(str(tuple(term.shape)) for term in terms) or 'none'}",
                needed=f"{len(self.tasks)} scalars were needed, one per task ({', '.join(self.tasks)})",
                repair='Reduce each loss first: reduction="mean".',
            )
        losses = torch.stack(terms)
        return (self.weights() * losses + self.log_variance / 2).sum()

    def weights(self) -> Tensor:
        """What each term is multiplied by, (T,)."""
        return self.factors * torch.exp(-self.log_variance)

    def extra_repr(self) -> str:
        return ", ".join(self.tasks)
