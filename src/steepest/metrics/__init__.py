"""The catalogue of metrics, one file each: values of additive states."""

from steepest.core.discover import Catalogue

Catalogue.of(__name__, kind="metric")
