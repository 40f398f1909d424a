"""MSLE: the squared difference of log(1 + value), so that orders of magnitude count and not units."""

from __future__ import annotations

from torch import Tensor

from steepest.core.amounts import amounts
from steepest.core.claims import minimum_at_target, nonnegative, zero_at_target
from steepest.core.declare import loss


@loss(
    formula="Piecewise(((log(1 + x) - log(1 + y))**2, x >= 0), (log(1 + y)**2, True))",
    target=amounts,
    claims=[nonnegative, zero_at_target, minimum_at_target],
    task="regression",
    use="Counts and prices over several orders of magnitude; the model must end in softplus or exp, as below 0 nothing is learned.",
    avoid="Values below 0, and errors that cost in the target's unit rather than in percent: mse or huber.",
    differs={
        "keras.losses.MeanSquaredLogarithmicError": "the same above 1e-7; smaller values count as 1e-7",
        "sklearn.metrics.mean_squared_log_error": "the same",
    },
    source="Keras, keras.losses.MeanSquaredLogarithmicError; scikit-learn, mean_squared_log_error",
    class_name="MSLE",
)
def msle(input: Tensor, target: Tensor) -> Tensor:
    """Element-wise: (N, *), (N, *) -> (N, *). Without unit. Targets >= 0; predictions below 0 count as 0."""
    return (input.clamp(min=0.0).log1p() - target.log1p()).square()
