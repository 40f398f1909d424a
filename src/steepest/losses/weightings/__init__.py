"""The catalogue of weighting schemes, one file each: from class counts to the `class_weight` of a loss."""

from steepest.core.discover import Catalogue

from .uncertainty import UncertaintyWeighting as UncertaintyWeighting

Catalogue.of(__name__, kind="weighting")
