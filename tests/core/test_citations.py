"""References say what was declared, word by word, and nothing besides."""

from __future__ import annotations

import re

import pytest

from steepest import data, losses, metrics, models, optim
from steepest.core.citations import Citations, works_in
from steepest.losses import weightings
from steepest.optim import schedules, transforms

ITEMS = [i for c in (losses, weightings, optim, schedules, transforms, metrics, data, models) for i in c if i.source]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: f"{item.kind}-{item.name}")
def test_nothing_is_in_a_reference_that_its_declaration_does_not_hold(item):
    for work in works_in(item.source):
        for part in (work.authors, str(work.year), work.arxiv, work.doi, work.url, *work.note.split(", ")):
            assert part in item.source


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: f"{item.kind}-{item.name}")
def test_no_year_of_a_declaration_with_an_author_is_lost(item):
    named = re.findall(
        r"[A-Z][\w-]+(?: et al\.)? ((?:1[6-9]|20)\d\d)\b", re.sub(r"\S*\.(?:org|net|io)\S*", "", item.source)
    )
    assert sorted(map(int, named)) == sorted(work.year for work in works_in(item.source))


def test_a_work_that_two_items_share_stands_once():
    cited = Citations.of({"focal": losses.focal.source, "sigmoid_focal": losses.sigmoid_focal.source})
    assert len(cited.uses) == 1 and cited.text == "Lin et al. 2017, arXiv:1708.02002 (focal, sigmoid_focal)"


def test_an_entry_of_bibtex_has_its_authors_year_and_identifier():
    cited = Citations.of({"huber": losses.huber.source, "square": losses.square.source})
    first, second = cited.bibtex.split("\n\n")
    assert first.splitlines()[0] == "@misc{huber1964," and "  doi = {10.1214/aoms/1177703732}," in first
    assert "  author = {Hui and Belkin}," in second and "  eprint = {2006.07322}," in second
    for entry in (first, second):
        assert entry.count("{") == entry.count("}") and "title" not in entry


def test_two_works_of_one_author_and_year_have_two_keys():
    cited = Citations.of({"a": "Liu et al. 2020, arXiv:1908.03265", "b": "Liu et al. 2020, arXiv:2002.00000"})
    assert re.findall(r"@misc\{(\w+),", cited.bibtex) == ["liu2020", "liu2020b"]


def test_a_source_that_is_a_program_is_told_as_it_stands():
    cited = Citations.of({"exponential": "torch.optim.lr_scheduler.ExponentialLR"})
    assert cited.text == "exponential: torch.optim.lr_scheduler.ExponentialLR" and cited.bibtex == ""
    assert str(cited) == cited.text
