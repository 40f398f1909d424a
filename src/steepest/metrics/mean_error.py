"""Mean error: whether predictions are too high (above 0) or too low on average, the bias."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from steepest.core.declare import metric

from .moments import ERROR, WEIGHT, moments, pair


def _slow(prediction: Sequence[float], target: Sequence[float], weight: Sequence[float]) -> float:
    return sum(w * (x - y) for x, y, w in zip(prediction, target, weight)) / sum(weight)


@metric(
    counts=moments,
    task="regression",
    best="min",
    unit="target",
    slow=_slow,
    formula="sum w (x - y) / sum w",
    use="Is the model off in one direction? 0 is best, from both sides; errors in both directions cancel.",
    avoid="As the criterion of a choice: the lowest is not the best.",
    source="scikit-learn user guide, regression metrics",
)
def mean_error(state: Tensor) -> Tensor:
    """Sums (..., T, 18) -> (...), the mean over the T target columns. NaN without samples."""
    return (pair(state[..., ERROR])[0] / pair(state[..., WEIGHT])[0]).mean(-1)
