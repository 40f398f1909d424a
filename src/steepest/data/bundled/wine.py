"""Wine: 178 wines of three growers, told apart by 13 chemical measurements."""

from __future__ import annotations

from steepest.core.declare import dataset
from steepest.data.record import Data


@dataset(
    task="classification", size="178 x 13", licence="CC BY 4.0",
    use="Three classes in a very small table: differences between methods drown in the spread over seeds.",
    source="Aeberhard & Forina 1992, UCI, doi:10.24432/C5PC7J; bundled with scikit-learn",
)
def wine() -> Data:
    """Classes are the growers."""
    from sklearn.datasets import load_wine

    bunch = load_wine()
    return Data.of(
        bunch.data, bunch.target, name="wine", class_names=list(bunch.target_names), feature_names=bunch.feature_names,
    )
