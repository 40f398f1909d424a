"""Beta-NLL: the Gaussian likelihood with each sample weighed by its variance to a power, so that hard places are learned too."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from steepest.core.claims import centred
from steepest.core.declare import loss
from steepest.core.domains import Linear, Unit
from steepest.core.targets import parameters

LEAST, MOST = -50.0, 70.0
"""The smallest log variance, as of gaussian_nll; and the greatest logarithm of a weight, which leaves float32 room for 1e8 times it."""


def _plain(x: Any, y: Any, beta: float, still: Any = None) -> list[float]:
    return [
        math.exp(min(beta * max(then[1], LEAST), MOST))
        * (max(s, LEAST) + (number - mean) ** 2 * math.exp(-max(s, LEAST)))
        / 2
        for (mean, s), number, then in zip(x, y, still or x)
    ]


@loss(
    slow=_plain,
    target=parameters("mean", "log variance"),
    claims=[centred],
    search={"beta": Linear(0, 1)},
    task="regression",
    use="Regression with error bars whose mean gaussian_nll fits badly: a place called noisy early on keeps its say.",
    avoid="Where values are compared or added, as the weight makes them no likelihood: judge by gaussian_nll or crps_gaussian.",
    source="Seitzer et al. 2022, On the pitfalls of heteroscedastic uncertainty estimation, arXiv:2203.09168",
    holds="the variance to the power beta",
    class_name="BetaNLL",
)
def beta_nll(input: Tensor, target: Tensor, *, beta: Unit = 0.5) -> Tensor:
    """Mean and log variance (N, 2, *), numbers (N, *) -> (N, *). beta = 0 is gaussian_nll; beta = 1 fits the mean as mse does."""
    mean, log_variance = input[:, 0], input[:, 1].clamp(min=LEAST)
    weight = (beta * log_variance.detach()).clamp(max=MOST).exp()
    return weight * (log_variance + (target - mean).square() * (-log_variance).exp()) / 2
