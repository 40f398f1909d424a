"""The catalogue of learning-rate schedules, one file each: pure functions, and torch LRSchedulers."""

from steepest.core.discover import Catalogue

from ..plateau import Plateau as Plateau
from ..scheduler import class_of as _class_of
from .plateau import plateau as plateau

Catalogue.of(__name__, kind="schedule", class_of=_class_of)
