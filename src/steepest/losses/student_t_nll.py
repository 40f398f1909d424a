"""Student t NLL: a location and a scale under heavy tails, so that a far outlier costs only its logarithm."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from steepest.core.claims import centred
from steepest.core.declare import loss
from steepest.core.digits import number, pi
from steepest.core.domains import Interval, Log
from steepest.core.targets import parameters

AtLeastOne = Annotated[float | Tensor, Interval(low=1.0)]
LEAST = -30.0
"""The smallest log scale: the square of exp(30) times an error of 1e5 is a float32."""


@loss(
    formula="loggamma(df/2) - loggamma((df + 1)/2) + log(pi*df)/2 + Max(x[1], -30)"
    " + (df + 1)/2*log(1 + (y - x[0])**2*exp(-2*Max(x[1], -30))/df)",
    target=parameters("location", "log scale"),
    claims=[centred],
    search={"df": Log(1, 100)},
    task="regression",
    use="Regression with error bars and far outliers; df of 1 to 5 forgives them, above 30 it is the Gaussian.",
    avoid="A start far from the targets: beyond sqrt(df) scales an error pulls less the larger it is. Clean data: "
    "gaussian_nll.",
    source="Lange, Little & Taylor 1989, doi:10.1080/01621459.1989.10478852",
    class_name="StudentTNLL",
)
def student_t_nll(input: Tensor, target: Tensor, *, df: AtLeastOne = 4.0) -> Tensor:
    """Location and log scale (N, 2, *), numbers (N, *) -> (N, *). Unit: nats. df: degrees of freedom; 1 is the Cauchy distribution."""
    r, log_scale = target - input[:, 0], input[:, 1].clamp(min=LEAST)
    nu = number(df, input)
    constant = (nu / 2).lgamma() - ((nu + 1) / 2).lgamma() + (pi(input) * nu).log() / 2
    z = r * (-log_scale).exp()
    q = z * z / nu
    is_far = q > 1
    near = log_scale + (nu + 1) / 2 * torch.where(is_far, 1.0, q).log1p()
    # Far out log1p(q) is mostly -2 log_scale: the sum would lose the digits that they share, in the slope above all.
    size, far_scale = torch.where(is_far, r, 1.0).abs(), torch.where(is_far, log_scale, 0.0)
    rest = (nu * (far_scale.exp() / size).square()).log1p()
    far = (nu + 1) * (size.log() - nu.log() / 2) - nu * far_scale + (nu + 1) / 2 * rest
    return constant + torch.where(is_far, far, near)
