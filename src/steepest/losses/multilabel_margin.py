"""Multi-label margin: every label of a sample must score above every other one by a margin."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.claims import convex, nonnegative, shift_invariant
from steepest.core.declare import loss
from steepest.core.domains import Log, Positive
from steepest.core.targets import multilabel


@loss(
    formula="Sum(Sum(y[i]*(1 - y[j])*(1 - KroneckerDelta(i, j))"
    "*Piecewise((margin - x[i] + x[j], margin - x[i] + x[j] > 0), (0, True)), (j, 0, C - 1)), (i, 0, C - 1))/C",
    target=multilabel,
    claims=[nonnegative, convex, shift_invariant],
    search={"margin": Log(0.1, 10)},
    task="binary",
    use="Several labels per sample where only their order counts: which labels are likelier than which.",
    avoid="Where a threshold must tell the labels from the rest, or with thousands of classes (all pairs are compared); take zlpr.",
    source="Crammer & Singer 2003, A family of additive online algorithms for category ranking, JMLR 3; torch.nn.MultiLabelMarginLoss",
    differs={
        "torch.nn.MultiLabelMarginLoss": "takes the indices of the labels, padded with -1; here a row of zeros and ones"
    },
)
def multilabel_margin(input: Tensor, target: Tensor, *, margin: Positive = 1.0) -> Tensor:
    """Scores (N, C, *), labels in [0, 1] (N, C, *) -> (N, *): the sum over pairs of a label and another one, divided by C."""
    gaps = (margin + (input.unsqueeze(1) - input.unsqueeze(2))).relu()  # label, other
    itself = torch.eye(input.shape[1], dtype=torch.bool, device=input.device).reshape(
        *gaps.shape[1:3], *[1] * (input.dim() - 2)
    )
    pairs = target.unsqueeze(2) * (1 - target).unsqueeze(1)
    return torch.where(itself, 0.0, pairs * gaps).sum((1, 2)) / input.shape[1]
