"""The catalogue of losses: one file each, all under the weighting contract of core.reduce."""

from steepest.core.discover import Catalogue

Catalogue.of(__name__, kind="loss")
