"""Asymmetric: focal for several labels per sample, with a stronger focus on absent labels and none on what is surely absent."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.claims import nonnegative
from steepest.core.declare import loss
from steepest.core.digits import number
from steepest.core.domains import Linear, NonNegative, UnitInside
from steepest.core.logits import missing, softplus
from steepest.core.targets import binary


@loss(
    formula="y*(1/(1 + exp(x)))**gamma_pos*log(1 + exp(-x)) - (1 - y)*Piecewise((0, 1/(1 + exp(-x)) <= margin),"
    " ((1/(1 + exp(-x)) - margin)**gamma_neg*log(1/(1 + exp(x)) + margin), True))",
    target=binary,
    expects="logits",
    claims=[nonnegative],
    search={"gamma_pos": Linear(0, 2), "gamma_neg": Linear(1, 6), "margin": Linear(0.01, 0.2)},
    task="binary",
    good_for=["imbalanced"],
    use="Several labels per sample of which most are absent, some of them only forgotten; otherwise bce_with_logits or sigmoid_focal.",
    avoid="Labels that are about as often 1 as 0: bce_with_logits. Wrong labels of 1: at gamma_pos = 0 they are "
    "trusted like all others.",
    differs={
        "timm AsymmetricLossMultiLabel": "gamma_pos is 1 by default, ours 0; it sums over the labels of a sample, "
        "ours is the mean over all",
    },
    source="Ben-Baruch et al. 2020, Asymmetric loss for multi-label classification, arXiv:2009.14119",
    class_name="ASL",
)
def asl(
    input: Tensor,
    target: Tensor,
    *,
    gamma_pos: NonNegative = 0.0,
    gamma_neg: NonNegative = 4.0,
    margin: UnitInside = 0.05,
) -> Tensor:
    """Logits (N, *), labels in [0, 1] (N, *) -> (N, *). Absent labels of probability <= margin cost nothing.

    The gradient goes through the focus too, unlike in its authors' code.
    """
    nats = softplus(-input)
    present = missing(nats) ** gamma_pos * nats
    p, q, tilt = input.sigmoid(), (-input).sigmoid(), (input / 2).tanh() / 2
    # p - margin from what of p is small there, for its power multiplies each rounding; tilt is p - 1/2.
    m = number(margin, input)
    middle = 0.5 - m
    lost = (0.5 - middle) - m
    doubt = torch.where(input < -1, p - m, torch.where(input < 1, middle + (tilt + lost), 1 - (q + m)))
    is_doubtful = doubt > 0
    doubt = torch.where(is_doubtful, doubt, 0.5)
    low = (-doubt.clamp(max=0.5)).log1p()
    high = torch.where(doubt > 0.5, q + m, 0.5).log()
    absent = torch.where(is_doubtful, -(doubt**gamma_neg) * torch.where(doubt > 0.5, high, low), 0.0)
    return target * present + (1 - target) * absent
