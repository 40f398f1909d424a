"""Squared differences of logarithms: the additive state of mean_squared_log_error and its root."""

from __future__ import annotations

from torch import Tensor

from .number_means import above_minus_one, number_means


def _squared_log(prediction: Tensor, target: Tensor) -> Tensor:
    return (prediction.log1p() - target.log1p()).square()


log_errors = number_means(
    _squared_log, ("prediction", above_minus_one, "above -1"), ("target", above_minus_one, "above -1")
)
