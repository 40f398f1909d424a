"""Diabetes: 442 patients, ten measurements, and how far the disease had gone a year later."""

from __future__ import annotations

from steepest.core.declare import dataset
from steepest.data.record import Data


@dataset(
    task="regression", size="442 x 10", licence="not stated",
    use="A small, noisy regression: the best models explain about half of the variance.",
    source="Efron, Hastie, Johnstone & Tibshirani 2004, doi:10.1214/009053604000000067; bundled with scikit-learn",
)
def diabetes() -> Data:
    """The target runs from 25 to 346; the features are scaled by their publishers."""
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes()
    return Data.of(bunch.data, bunch.target, task="regression", name="diabetes", feature_names=bunch.feature_names)
