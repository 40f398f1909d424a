"""The page carries all numbers of the study, and stays small."""

from __future__ import annotations

import dataclasses
import json
import math

import fake_studies
import pytest

from steepest import report
from steepest.core.errors import DataError
from steepest.report.embedded import as_json
from steepest.report.render import answers

LIMIT = 1_500_000


def embedded(page) -> dict:
    return json.loads(page.text_of("script"))


def test_a_page_is_at_most_one_and_a_half_megabytes(every_page):
    assert len(every_page.source.encode()) <= LIMIT


def test_a_usual_page_is_below_400_kilobytes(page):
    assert len(page("classification").source.encode()) < 400_000


def same(a, b) -> bool:
    """Equal, NaN included."""
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


@pytest.mark.parametrize(
    "name", ["classification", "regression", "unfinished", "empty", "one_arm", "all_diverged", "hostile"]
)
def test_the_study_can_be_read_back_from_the_page(name, page, study):
    found, expected = report.study_in(page(name).source), study(name)
    assert (found.plan, found.events, found.verdict) == (expected.plan, expected.events, expected.verdict)
    assert (found.seconds, found.rung_seconds, found.finished_rungs) == (
        expected.seconds,
        expected.rung_seconds,
        expected.finished_rungs,
    )
    assert len(found.outcomes) == len(expected.outcomes)
    for a, b in zip(found.outcomes, expected.outcomes):
        for field in ("rung", "arm", "seed", "learning_rate", "epochs", "score", "diverged", "test_score", "metrics"):
            assert same(getattr(a, field), getattr(b, field)), field


def test_curves_keep_their_ends_and_five_digits(page, study):
    for a, b in zip(report.study_in(page("one_arm").source).outcomes, study("one_arm").outcomes):
        assert [e for e, _ in a.curve] == [e for e, _ in b.curve]  # few points: all are kept
        assert [v for _, v in a.curve] == pytest.approx([v for _, v in b.curve], rel=1e-4)
    for a, b in zip(report.study_in(page("hostile").source).outcomes, study("hostile").outcomes):
        assert a.curve[0] == pytest.approx(b.curve[0], rel=1e-4) and a.curve[-1] == pytest.approx(b.curve[-1], rel=1e-4)


def test_the_page_says_that_curves_were_thinned(page):
    assert embedded(page("hostile"))["curve_points"] >= 2
    assert embedded(page("one_arm"))["curve_points"] is None


def test_no_tag_can_begin_inside_the_numbers(every_page):
    raw = every_page.text_of("script")
    assert "<" not in raw and ">" not in raw and "&" not in raw


def test_infinite_bounds_have_a_place_in_json_and_on_the_page():
    study = fake_studies.classification()
    worst = dataclasses.replace(study.verdict.confirmation[0], low=-math.inf, verdict="undecided")
    verdict = dataclasses.replace(study.verdict, confirmation=[worst, *study.verdict.confirmation[1:]])
    worst_case = dataclasses.replace(study, verdict=verdict)
    assert json.loads(as_json(worst_case))["verdict"]["confirmation"][0]["low"] is None
    facts = next(answers(worst_case))[1].parts[1].items
    assert facts[0].detail.startswith("[−∞, ")


def test_another_file_is_refused_with_the_repair():
    with pytest.raises(DataError, match="report.html"):
        report.study_in("<html><script id=study>{}</script></html>")
