"""Breast cancer: 569 biopsies described by 30 measurements of cell nuclei, malignant or benign."""

from __future__ import annotations

from steepest.core.declare import dataset
from steepest.data.record import Data


@dataset(
    task="classification", size="569 x 30", licence="CC BY 4.0",
    use="Two classes in a small table of measurements on very different scales.",
    source="Street, Wolberg & Mangasarian 1993, UCI, doi:10.24432/C5DW2B; bundled with scikit-learn",
)
def breast_cancer() -> Data:
    """Class 0 is malignant, 1 is benign."""
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    return Data.of(
        bunch.data, bunch.target, name="breast_cancer", class_names=list(bunch.target_names),
        feature_names=bunch.feature_names,
    )
