"""One file for each question that a reader of the report asks; a new file here is a new section of the page."""

from __future__ import annotations

from steepest.core.discover import Catalogue

Catalogue.of(__name__, kind="section")
