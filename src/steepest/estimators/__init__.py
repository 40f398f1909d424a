"""scikit-learn's door: a module with its loss and optimizer as a classifier or regressor for pipelines and searches."""

from __future__ import annotations

from .classifier import Classifier
from .regressor import Regressor

__all__ = ["Classifier", "Regressor"]
