"""Digits: 1,797 scans of handwritten digits, 8 x 8 pixels, ten classes."""

from __future__ import annotations

from steepest.core.declare import dataset
from steepest.data.record import Data


@dataset(
    task="classification", size="1797 x 64", licence="CC BY 4.0",
    use="A first real image task that trains in seconds; rows are flat 8 x 8 images, which `cnn` recognises.",
    source="Alpaydin & Kaynak 1998, UCI, doi:10.24432/C50P49; bundled with scikit-learn",
)
def digits() -> Data:
    """Grey values 0 to 16 as 64 columns."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return Data.of(
        bunch.data, bunch.target, name="digits", class_names=[str(n) for n in bunch.target_names],
        feature_names=bunch.feature_names,
    )
