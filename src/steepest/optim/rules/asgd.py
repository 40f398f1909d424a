"""ASGD: SGD with steps that shrink slowly, beside it the average of the weights on its way."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.declare import rule
from steepest.core.domains import Log, NonNegative
from steepest.core.per_trial import larger


@rule(
    formula="eta * (g + lambd * w), eta = lr / (1 + lambd * lr * (t - 1))**alpha",
    decay="coupled",
    equals="torch.optim.ASGD",
    search={"lr": Log(1e-3, 1.0), "lambd": Log(1e-6, 1e-2)},
    scalar_states=["mu", "eta"],
    use="Language models of the LSTM age, whose recipes average the weights from t0 on; the average is state `ax`.",
    avoid="New work: take sgd with an average of the weights, which says when it begins and is evaluated.",
    differs={
        "torch.optim.ASGD": "the same, eta too: a schedule of lr acts one step late, since eta is made a step ahead"
    },
    evidence=(
        "With averaging that a score triggers, part of the best LSTM language models of 2017: perplexity 57.3 "
        "on Penn Treebank (Merity et al. 2017, arXiv:1708.02182)."
    ),
    source="Polyak & Juditsky 1992, doi:10.1137/0330046; the shrinking step as torch has it; search ranges: ours",
    class_name="ASGD",
)
def asgd(
    grad: Tensor,
    ax: Tensor,
    mu: Any,
    eta: Any,
    param: Tensor,
    *,
    t: Any,
    lr: NonNegative = 1e-2,
    lambd: NonNegative = 1e-4,
    alpha: NonNegative = 0.75,
    t0: NonNegative = 1e6,
) -> tuple[Tensor, Tensor, Any, Any]:
    """ax: the mean of the weights since step t0, before it the weights. The model itself is never set to it."""
    rate, share = eta + lr * (t < 2), mu + (t < 2)
    step = rate * grad + lambd * rate * param
    ax = torch.lerp(ax, param - step, share)
    return step, ax, 1 / larger(t - t0, 1.0), lr / (1 + lambd * lr * t) ** alpha
