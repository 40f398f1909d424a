"""The catalogue of metrics, one file each: values of additive states, for one model or K at once."""

from steepest.core.discover import Catalogue

Catalogue.of(__name__, kind="metric")
