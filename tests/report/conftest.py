"""Pages are drawn once and shared: the chart converter needs a second to start."""

from __future__ import annotations

from functools import cache
from html.parser import HTMLParser

import fake_studies
import pytest

from steepest import report


class Page(HTMLParser):
    """A page as a browser reads it: elements with attributes, text by element, the contents of each section."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.sections: dict[str, str] = {}
        self._open: list[str] = []
        self._section: str | None = None
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)
        if tag == "section":
            self._section = dict(attrs)["id"]
            self.sections[self._section] = ""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if tag == "section":
            self._section = None

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))
        if self._section is not None:
            self.sections[self._section] += data

    def text_of(self, tag: str) -> str:
        return "".join(text for where, text in self.texts if where == tag)


@cache
def study_named(name: str):
    return getattr(fake_studies, name)()


@cache
def page_of(name: str) -> Page:
    return Page(report.page(study_named(name)))


@pytest.fixture(scope="session")
def study():
    """study("classification"): one of the made-up studies."""
    return study_named


@pytest.fixture(scope="session")
def page():
    """page("classification"): its page, parsed."""
    return page_of


STUDIES = ["classification", "regression", "unfinished", "empty", "one_arm", "all_diverged", "hostile"]


@pytest.fixture(params=STUDIES)
def every_page(request) -> Page:
    return page_of(request.param)
