"""Every check on its own examples: bad fires exactly it, good fires nothing, and no check fires on another one's good example."""

from __future__ import annotations

import re

import pytest
from watched import only_read, watched

from steepest.check.catalogue import all_checks

CHECKS = all_checks()
CATALOGUE = {
    **{"L": range(1, 17), "T": range(1, 9), "G": range(1, 6), "P": range(1, 5), "O": range(1, 5), "Z": range(1, 6)},
    **{"S": range(1, 4), "M": range(1, 4), "D": range(1, 10), "E": range(1, 6), "H": range(1, 12)},
}


def test_every_code_of_the_catalogue_has_its_file():
    assert {c.code for c in CHECKS} == {f"{letter}{n:02}" for letter, numbers in CATALOGUE.items() for n in numbers}


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.code)
def test_the_bad_example_fires_exactly_its_check(check):
    report = watched(check.bad, f"<bad {check.code}>")
    assert [f.code for f in report.findings] == [check.code], report.findings
    assert report.not_run == []
    assert report.findings[0].severity in (check.severity, "note", "warning")


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.code)
def test_the_good_example_fires_nothing(check):
    report = watched(check.good, f"<good {check.code}>")
    assert report.findings == [] and report.not_run == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.code)
def test_reading_alone_finds_no_error_in_the_good_example_and_no_wrong_one_in_the_bad(check):
    assert [f.code for f in only_read(check.good).findings if f.severity != "note"] == []
    assert {f.code for f in only_read(check.bad).findings if f.severity == "error"} <= {check.code}


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.code)
def test_a_check_says_what_it_is_for_what_it_costs_and_what_to_do(check):
    assert re.fullmatch(r"[LTGPOZSMDEH]\d\d", check.code) and check.fn.__module__.rpartition(".")[2].startswith(
        check.code.lower()
    )
    assert check.purpose.endswith(".") and check.title and check.damage.endswith(".") and check.repair and check.source
    assert check.bad != check.good
