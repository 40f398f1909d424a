"""The catalogue of learning-rate schedules, one file each: pure functions of step and horizon."""

from steepest.core.discover import Catalogue

Catalogue.of(__name__, kind="schedule")
