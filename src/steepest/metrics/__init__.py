"""The catalogue of metrics, one file each: values of additive states, for one model or K at once; curves over thresholds."""

from steepest.core.discover import Catalogue

from .curves import PrecisionRecallCurve, RocCurve, precision_recall_curve, roc_curve

__all__ = ["PrecisionRecallCurve", "RocCurve", "precision_recall_curve", "roc_curve"]

Catalogue.of(__name__, kind="metric")
