"""The catalogue of learning-rate schedules, one file each: pure functions, and torch LRSchedulers."""

from steepest.core.discover import Catalogue

from ..scheduler import class_of as _class_of

Catalogue.of(__name__, kind="schedule", class_of=_class_of)

from ..plateau import Plateau as Plateau  # noqa: E402: the catalogue above must exist first
