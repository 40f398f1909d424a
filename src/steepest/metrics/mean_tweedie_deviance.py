"""Mean Tweedie deviance: from squared errors (power 0) over counts (1) and amounts with many zeros (1.5) to positive amounts (2)."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.declare import metric
from steepest.core.errors import DomainError
from steepest.core.rows import Rows

from .number_means import above_zero, check, not_below_zero
from .numbers import number_rows
from .sample_means import mean, sample_means


def _rows(
    prediction: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    n_outputs: int | None = None,
    power: float = 1.5,
) -> Rows:
    """As number_rows; power: the variance grows as the mean to this power; 0 or below, or 1 and above."""
    if not (power <= 0 or power >= 1):
        raise DomainError(
            where="mean_tweedie_deviance",
            seen=f"power is {power!r}",
            needed="it must be 0 or below, or 1 or above",
            repair="1.5 suits amounts of which many are exactly 0.",
        )
    rows = number_rows(prediction, target, weight, n_outputs=n_outputs)
    if power != 0:
        check(rows, "prediction", above_zero, "above 0")
    if power >= 1:
        check(rows, "target", *((not_below_zero, "0 or more") if power < 2 else (above_zero, "above 0")))
    return Rows(rows.prediction, rows.target, rows.weight, rows.n_lead, {**rows.facts, "power": power})


def _deviance(rows: Rows) -> Tensor:
    x, y, power = rows.prediction, rows.target, rows.facts["power"]
    if power == 0:
        return (x - y).square()
    if power == 1:
        return 2 * (torch.special.xlogy(y, y / x) - y + x)
    if power == 2:
        return 2 * ((x / y).log() + y / x - 1)
    own = (y.clamp(min=0) if power < 0 else y) ** (2 - power)
    return 2 * (own / ((1 - power) * (2 - power)) - y * x ** (1 - power) / (1 - power) + x ** (2 - power) / (2 - power))


@metric(
    counts=sample_means(_rows, "numbers", _deviance),
    task="regression",
    best="min",
    unit="",
    equals="sklearn.metrics.mean_tweedie_deviance",
    equals_with={"power": 1.5},
    formula="2 sum w (max(y, 0)**(2 - p) / ((1 - p) (2 - p)) - y x**(1 - p) / (1 - p) + x**(2 - p) / (2 - p)) / sum w",
    use="Amounts of which many are exactly 0, such as rain or insurance claims: power between 1 and 2.",
    source="scikit-learn user guide, mean Poisson, gamma, and Tweedie deviances",
)
def mean_tweedie_deviance(state: Tensor) -> Tensor:
    """Sums (..., T, 2) -> (...), the mean over the T target columns. NaN without samples."""
    return mean(state).mean(-1)
