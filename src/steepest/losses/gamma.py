"""Gamma: positive amounts whose spread grows with their mean, with the model giving the logarithm of the mean."""

from __future__ import annotations

from torch import Tensor

from steepest.core.amounts import amounts
from steepest.core.claims import convex
from steepest.core.declare import loss
from steepest.core.links import growth


@loss(
    formula="x + y*Piecewise((exp(-x), -x <= 70), (exp(70)*(-x - 69), True))",
    target=amounts,
    expects="log_means",
    claims=[convex],
    task="counts",
    use="Prices, durations, sizes of claims: always above 0, and errors count in percent.",
    avoid="Targets of exactly 0, which a gamma never gives: tweedie. Counts: poisson_nll.",
    differs={
        "sklearn.metrics.mean_gamma_deviance": "twice the difference to the loss of a perfect prediction; takes the "
        "mean, not its logarithm",
    },
    source="Nelder & Wedderburn 1972, Generalized linear models, doi:10.2307/2344614; scikit-learn, mean_gamma_deviance",
)
def gamma(input: Tensor, target: Tensor) -> Tensor:
    """Log-means (N, *), amounts (N, *) -> (N, *). Half the deviance, without its terms of the target alone: it may be below 0.

    Below a log-mean of -70 the exponential goes on as its tangent, so that no input overflows.
    """
    return input + target * growth(-input)
