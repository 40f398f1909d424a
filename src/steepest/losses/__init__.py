"""The catalogue of losses: one file each, all under the weighting contract of core.reduce."""

from steepest.core.compose import Heads as Heads
from steepest.core.compose import Weighted as Weighted
from steepest.core.discover import Catalogue

Catalogue.of(__name__, kind="loss")

from . import weightings as weightings  # noqa: E402: the catalogue above must exist first
from .linear import linear as linear  # noqa: E402
