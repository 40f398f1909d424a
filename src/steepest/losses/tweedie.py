"""Tweedie: amounts that are often exactly 0 and otherwise spread out, with the model giving the logarithm of the mean."""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from steepest.core.amounts import amounts
from steepest.core.claims import convex, nonnegative
from steepest.core.declare import loss
from steepest.core.domains import Interval, Linear
from steepest.core.links import growth

Power = Annotated[float | Tensor, Interval(1.0, 2.0, open_low=True, open_high=True)]


@loss(
    formula="Piecewise((exp((2 - power)*x), (2 - power)*x <= 70), (exp(70)*((2 - power)*x - 69), True))/(2 - power)"
    " + y*Piecewise((exp((1 - power)*x), (1 - power)*x <= 70), (exp(70)*((1 - power)*x - 69), True))/(power - 1)",
    target=amounts,
    expects="log_means",
    claims=[nonnegative, convex],
    search={"power": Linear(1.1, 1.9)},
    task="counts",
    use="Rain, insurance claims, demand: many zeros beside a long tail. power near 1 is like Poisson, near 2 like gamma.",
    avoid="Targets below 0: mse or huber. Plain counts: poisson_nll has no power to choose. Amounts that are never "
    "0: gamma.",
    differs={
        "sklearn.metrics.mean_tweedie_deviance": "twice the difference to the loss of a perfect prediction; takes "
        "the mean, not its logarithm",
    },
    source="Jorgensen 1987, Exponential dispersion models, JRSS B 49; scikit-learn, mean_tweedie_deviance",
)
def tweedie(input: Tensor, target: Tensor, *, power: Power = 1.5) -> Tensor:
    """Log-means (N, *), amounts (N, *) -> (N, *). Half the deviance, without its terms of the target alone.

    Exponentials beyond exp(70) go on as their tangent, so that no input overflows.
    """
    return growth((2 - power) * input) / (2 - power) + target * growth((1 - power) * input) / (power - 1)
