"""Adadelta: steps in the parameter's own unit, the root of its mean squared steps over that of its gradients."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient
from steepest.core.declare import rule
from steepest.core.domains import Log, Log1m, NonNegative, Positive, UnitOpen


@rule(
    formula="lr * sqrt(u + eps) / sqrt(v + eps) * g",
    decay="coupled",
    equals="torch.optim.Adadelta",
    claims=[rests_at_zero_gradient],
    search={"lr": Log(1e-1, 1e1), "rho": Log1m(1e-3, 3e-1), "eps": Log(1e-8, 1e-2)},
    use="A rule to leave alone on old recurrent and speech models; its learning rate is near 1 by construction.",
    avoid="Few steps: eps alone sets the first ones, which are tiny.",
    differs={"keras.optimizers.Adadelta": "learning rate 0.001, rho 0.95 and eps 1e-7 by default: far smaller steps"},
    evidence=(
        "One of 15 rules in more than 50,000 runs on 8 problems, none of which dominates; newer ones do not "
        "beat Adam consistently (Schmidt et al. 2021, arXiv:2007.01547)."
    ),
    source="Zeiler 2012, arXiv:1212.5701; search ranges: ours",
)
def adadelta(
    grad: Tensor,
    square_avg: Tensor,
    acc_delta: Tensor,
    *,
    t: Any,
    lr: NonNegative = 1.0,
    rho: UnitOpen = 0.9,
    eps: Positive = 1e-6,
) -> tuple[Tensor, Tensor, Tensor]:
    """v and u: running means of the squared gradients and of the squared steps, before lr."""
    square_avg = torch.addcmul(rho * square_avg, (1 - rho) * grad, grad)
    delta = (acc_delta + eps).sqrt() / (square_avg + eps).sqrt() * grad
    return lr * delta, square_avg, torch.addcmul(rho * acc_delta, (1 - rho) * delta, delta)
