"""Laplace NLL: like the Gaussian one with absolute errors, so outliers neither steer the median nor blow up the scale."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import centred
from steepest.core.declare import loss
from steepest.core.digits import number
from steepest.core.targets import parameters

LEAST = -50.0
"""The smallest log scale: exp(50) times an error of 1e8 is a float32."""


@loss(
    formula="log(2) + Max(x[1], -50) + Abs(y - x[0])*exp(-Max(x[1], -50))",
    target=parameters("median", "log scale"),
    claims=[centred],
    task="regression",
    use="Regression with error bars and outliers: the median is predicted, and how far off it typically is.",
    avoid="Light tails, where gaussian_nll learns the same from fewer samples; and where the mean is wanted: it "
    "predicts the median.",
    source="Laplace 1774, Memoire sur la probabilite des causes par les evenements",
    class_name="LaplaceNLL",
)
def laplace_nll(input: Tensor, target: Tensor) -> Tensor:
    """Median and log scale (N, 2, *), numbers (N, *) -> (N, *). Unit: nats. The scale is the mean absolute error."""
    median, log_scale = input[:, 0], input[:, 1].clamp(min=LEAST)
    return number(2.0, input).log() + log_scale + (target - median).abs() * (-log_scale).exp()
