"""Negative binomial NLL: counts that spread wider than Poisson's, with the model giving the logarithm of the expected count."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.amounts import amounts
from steepest.core.claims import convex
from steepest.core.declare import loss
from steepest.core.digits import number
from steepest.core.domains import Log, Positive
from steepest.core.logits import softplus

FAR = 30.0
"""From here on the logarithm of the gamma function is a series whose error is below a float64's rounding."""


@loss(
    formula="log(1 + dispersion*exp(x))/dispersion + y*log(1 + exp(-x)/dispersion)"
    " + loggamma(1/dispersion) + loggamma(y + 1) - loggamma(y + 1/dispersion)",
    target=amounts,
    expects="log_means",
    claims=[convex],
    search={"dispersion": Log(0.01, 10)},
    task="counts",
    use="Counts whose variance exceeds their mean: sales, visits, reads of genes. The variance is mean + dispersion * mean^2.",
    avoid="Counts as even as chance makes them (take poisson_nll), and amounts that are no counts (tweedie, gamma).",
    source="Lawless 1987, Negative binomial and mixed Poisson regression, doi:10.2307/3314912; statsmodels, NegativeBinomial (nb2)",
    differs={"statsmodels NegativeBinomial": "its alpha is our dispersion; R's theta and scipy's n are 1 / dispersion"},
    class_name="NegativeBinomialNLL",
)
def negative_binomial_nll(input: Tensor, target: Tensor, *, dispersion: Positive = 1.0) -> Tensor:
    """Log-means (N, *), counts (N, *) -> (N, *). Unit: nats, with all terms: dispersion may be learned, or predicted (N, *).

    dispersion -> 0 is Poisson.
    """
    spread = number(dispersion, input)
    odds = input + spread.log()
    return softplus(odds) / spread + target * softplus(-odds) + _log_ways(target, 1 / spread)


def _log_ways(count: Tensor, size: Tensor) -> Tensor:
    """lgamma(size) + lgamma(count + 1) - lgamma(count + size), without subtracting two large numbers."""
    one_more = count + 1
    large, small = torch.maximum(one_more, size), torch.minimum(one_more, size)
    more = small - 1  # count + size = large + more
    is_far = large > FAR
    far = torch.where(is_far, large, FAR)
    near = torch.where(is_far, FAR, large)
    step = torch.where(is_far, more, 0.0)
    series = _tail(far) - _tail(far + step) - (far - 0.5) * (step / far).log1p() - step * (far + step).log() + step
    ways = small.lgamma() + torch.where(is_far, series, near.lgamma() - (near + more).lgamma())
    return torch.where(count == 0, 0.0, ways)  # there it is 0 to the last digit, and a likelihood near 1 shows each


def _tail(x: Tensor) -> Tensor:
    """What Stirling's formula leaves of lgamma(x): 1 / 12x - 1 / 360x^3 + ..."""
    square = x.square()
    return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680) / square) / square) / square) / x
