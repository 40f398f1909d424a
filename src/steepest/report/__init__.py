"""The page of a study: one file that answers a reader's questions, drawn from the plain records alone."""

from __future__ import annotations

from . import charts
from .embedded import study_in
from .render import page, write
from .terminal import terminal

__all__ = ["charts", "page", "study_in", "terminal", "write"]
