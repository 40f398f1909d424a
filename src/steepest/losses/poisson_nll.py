"""Poisson NLL: counts with the model giving the logarithm of the expected count."""

from __future__ import annotations

from torch import Tensor

from steepest.core.amounts import amounts
from steepest.core.claims import convex
from steepest.core.declare import loss
from steepest.core.links import growth


@loss(
    formula="Piecewise((exp(x), x <= 70), (exp(70)*(x - 69), True)) - x*y",
    target=amounts,
    expects="log_means",
    claims=[convex],
    equals="torch.nn.PoissonNLLLoss",
    task="counts",
    good_for=["default"],
    use="Counts of events whose variance is about their mean; the model gives the logarithm of the rate.",
    avoid="Counts that vary more than their mean: the rates stay right, but their error bars come out too narrow. "
    "Targets below 0: mse.",
    differs={
        "torch.nn.PoissonNLLLoss": "the same at its defaults; log_input=False takes the rate, full=True adds "
        "Stirling's terms, which have no slope",
        "keras.losses.Poisson": "takes the rate instead of its logarithm, with 1e-7 added inside the logarithm",
        "sklearn.metrics.mean_poisson_deviance": "twice the difference to the loss of a perfect prediction; takes "
        "the rate",
    },
    source="Nelder & Wedderburn 1972, Generalized linear models, doi:10.2307/2344614",
    class_name="PoissonNLL",
)
def poisson_nll(input: Tensor, target: Tensor) -> Tensor:
    """Log-rates (N, *), counts (N, *) -> (N, *). Without the terms of the target alone: it may be below 0. Unit: nats.

    Beyond a log-rate of 70 the exponential goes on as its tangent, so that no input overflows.
    """
    return growth(input) - input * target
