"""MAPE: the absolute difference as a share of the target, so that 10 % too much counts alike for small and large targets."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import convex, minimum_at_target, nonnegative, zero_at_target
from steepest.core.declare import loss
from steepest.core.targets import same_as_input

SMALLEST = 1e-6
"""Targets nearer to 0 count as this; Keras has 1e-7, scikit-learn 2e-16."""


@loss(
    formula="Abs(x - y)/Piecewise((Abs(y), Abs(y) > 1/10**6), (1/10**6, True))",
    target=same_as_input,
    claims=[nonnegative, zero_at_target, minimum_at_target, convex],
    task="regression",
    use="Targets far from 0 whose relative error counts; it favours predictions that are too low. Targets near 0: smape or l1.",
    few_roundings=True,
    avoid="Targets that touch or cross 0: smape or l1. Sums of predictions: its best constant lies below the median "
    "of positive targets.",
    differs={
        "keras.losses.MeanAbsolutePercentageError": "100 times as large; targets below 1e-7 count as 1e-7",
        "sklearn.metrics.mean_absolute_percentage_error": "the same; targets below 2.2e-16 count as that",
    },
    source="Keras, keras.losses.MeanAbsolutePercentageError (there times 100); de Myttenaere et al. 2016, arXiv:1605.02541",
    class_name="MAPE",
)
def mape(input: Tensor, target: Tensor) -> Tensor:
    """Element-wise: (N, *), (N, *) -> (N, *). A share, not percent: 0.1 is 10 %."""
    return (input - target).abs() / target.abs().clamp(min=SMALLEST)
