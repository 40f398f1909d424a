"""The catalogue of weighting schemes, one file each: from class counts to the `class_weight` of a loss."""

from steepest.core.discover import Catalogue

from .deferred import Deferred as Deferred
from .uncertainty import UncertaintyWeighting as UncertaintyWeighting

Catalogue.of(__name__, kind="weighting")
