"""CRPS of a Gaussian: how far a predicted normal distribution is from the number that came, in the number's own unit."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import centred, nonnegative
from steepest.core.declare import loss
from steepest.core.digits import number, pi
from steepest.core.targets import parameters

WIDEST = 50.0
"""The greatest log scale, and minus the smallest: exp(50) squared is no float32, but nothing here is squared before it is scaled."""


@loss(
    formula="(y - x[0])*erf((y - x[0])*exp(-Max(-50, Min(50, x[1])))/sqrt(2))"
    " + exp(Max(-50, Min(50, x[1])))"
    "*(sqrt(2/pi)*exp(-((y - x[0])*exp(-Max(-50, Min(50, x[1]))))**2/2) - 1/sqrt(pi))",
    target=parameters("mean", "log standard deviation"),
    claims=[nonnegative, centred],
    task="regression",
    use="Regression with error bars, judged in the target's unit: calmer than the likelihood when the scale is badly off.",
    avoid="Likelihoods that are compared or multiplied: gaussian_nll. Skewed or bounded targets: it assumes a normal "
    "distribution.",
    source="Gneiting & Raftery 2007, doi:10.1198/016214506000001437",
    class_name="CRPSGaussian",
)
def crps_gaussian(input: Tensor, target: Tensor) -> Tensor:
    """Mean and log standard deviation (N, 2, *), numbers (N, *) -> (N, *). Unit: the target's. With no spread it is L1."""
    mean, log_scale = input[:, 0], input[:, 1].clamp(-WIDEST, WIDEST)
    r = target - mean
    z = (r * (-log_scale).exp()).clamp(-1e9, 1e9)
    root, two = pi(input).sqrt(), number(2.0, input).sqrt()
    return r * (z / two).erf() + log_scale.exp() * (two * (-z * z / 2).exp() - 1) / root
