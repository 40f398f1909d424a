"""Gaussian NLL: the model predicts a mean and how sure it is of it, and pays for both."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import centred
from steepest.core.declare import loss
from steepest.core.targets import parameters

LEAST = -50.0
"""The smallest log variance: exp(50) leaves float32 room for the square of an error of 1e8."""


@loss(
    formula="(Max(x[1], -50) + (y - x[0])**2*exp(-Max(x[1], -50)))/2",
    target=parameters("mean", "log variance"),
    claims=[centred],
    task="regression",
    use="Regression whose noise differs from place to place, or whose predictions need error bars of their own.",
    avoid="Outliers: student_t_nll or laplace_nll. Where only the mean is wanted: places with little noise get most "
    "of the slope; then mse.",
    differs={
        "torch.nn.GaussianNLLLoss": "takes the variance instead of its logarithm, as a third argument, floored at "
        "eps = 1e-6",
    },
    source="Nix & Weigend 1994, doi:10.1109/ICNN.1994.374138",
    class_name="GaussianNLL",
)
def gaussian_nll(input: Tensor, target: Tensor) -> Tensor:
    """Mean and log variance (N, 2, *), numbers (N, *) -> (N, *). Unit: nats, without the constant log(2 pi)/2.

    beta-NLL (Seitzer et al. 2022, arXiv:2203.09168), which keeps easy places from taking all, is a weight:
    weight=variance.detach()**beta, normalize="count".
    """
    mean, log_variance = input[:, 0], input[:, 1].clamp(min=LEAST)
    return (log_variance + (target - mean).square() * (-log_variance).exp()) / 2
