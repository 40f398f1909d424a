"""Lookahead: slow weights follow the fast ones every few steps, part of the way, and the fast ones go on from there."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.domains import Count, Linear, UnitPositive
from steepest.core.transform import transform


@transform(
    acts_on="weights",
    formula="slow + alpha * (w - slow), every k steps",
    search={"alpha": Linear(0.2, 0.8)},
    use="Rules whose steps wander, such as SGD with a high learning rate: the slow weights are calmer.",
    avoid="Short runs, and learning rates that fall to zero: there is no wandering left to average.",
    source="Zhang et al. 2019, arXiv:1907.08610",
    initial={"slow": "param"},
)
def lookahead(
    param: Tensor, slow: Tensor, *, t: Any, every: Count = 5, alpha: UnitPositive = 0.5
) -> tuple[Tensor, Tensor]:
    """After each `every` steps slow moves by alpha towards the weights, which become slow; the rule's states stay."""
    if t % every:
        return param, slow
    slow = torch.lerp(slow, param, alpha)
    return slow, slow
