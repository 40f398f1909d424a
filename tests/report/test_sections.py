"""Each question is answered when the study can answer it, and left out when it cannot."""

from __future__ import annotations

import dataclasses
import math
import re
import statistics

import fake_studies
import numpy as np
import pytest

from steepest import report
from steepest.report.blocks import Panels
from steepest.report.charts.survival import Stay, survival
from steepest.report.estimates import estimate
from steepest.report.numbers import scale_of
from steepest.report.render import answers
from steepest.report.sections import (
    cost,
    differences,
    learning_curves,
    learning_rates,
    promise_kept,
    seed_by_seed,
    time_to_target,
)
from steepest.results.records import Event, Study

ALL = [
    "verdict",
    "differences",
    "arms",
    "pairwise",
    "seed_by_seed",
    "learning_rates",
    "learning_curves",
    "time_to_target",
    "promise_kept",
    "other_metrics",
    "eliminated",
    "cost",
    "data",
    "winner_code",
    "repeat",
    "sources",
    "words",
]
SEARCHED = [
    "verdict",
    "arms",
    "learning_rates",
    "learning_curves",
    "time_to_target",
    "other_metrics",
    "eliminated",
    "cost",
    "data",
    "repeat",
    "sources",
    "words",
]


@pytest.mark.parametrize(
    ("name", "answered"),
    [
        ("classification", ALL),
        ("regression", ALL),
        ("unfinished", SEARCHED),
        ("empty", ["verdict", "data", "repeat", "sources"]),
        ("one_arm", [s for s in [*SEARCHED[:9], "winner_code", *SEARCHED[9:]]]),
        ("all_diverged", ["verdict", "arms", "learning_rates", "eliminated", "cost", "data", "repeat", "sources", "words"]),
    ],
)
def test_the_page_answers_what_the_study_can(name, answered, page):
    assert list(page(name).sections) == answered


def test_the_first_heading_is_the_verdict(page, study):
    drawn = page("classification")
    further = drawn.sections["verdict"].split(drawn.text_of("h1"))[1].split("\n")[1]
    assert f"{drawn.text_of('h1')} {further}" == study("classification").verdict.sentence.replace(" %", "\u00a0%")
    assert drawn.text_of("h1").endswith("test part of 360 samples).")
    assert page("unfinished").text_of("h1") == "No verdict yet: 2 of up to 7 rungs are done."
    assert page("empty").text_of("h1") == "No verdict yet: nothing has been trained."


def test_every_chart_says_in_words_what_it_shows(every_page):
    charts = [a for tag, a in every_page.elements if tag == "svg" and a.get("class") == "chart"]
    assert all(c["role"] == "img" and len(c["aria-label"]) > 10 for c in charts)


def test_every_chart_is_drawn_for_wide_and_for_narrow_pages(page):
    charts = [
        float(a["width"]) for tag, a in page("classification").elements if tag == "svg" and a.get("class") == "chart"
    ]
    assert sum(w > 700 for w in charts) == sum(300 < w < 400 for w in charts) == 7
    assert sum(w < 300 for w in charts) == 6  # a panel for each arm


def test_what_could_not_be_told_apart_is_said_under_the_verdict(page):
    text = page("classification").sections["verdict"]
    assert "Could not be told apart" in text
    assert (
        "square + nadamw and focal(gamma=2.0) + nadamw: +0.3 points [−0.03,\u00a00.6] on 12 seeds do not decide it. About 9 more seeds would tell."
        in text
    )


def test_scores_that_are_shares_are_shown_as_points_with_one_decimal(page, study):
    row = next(s for s in study("classification").verdict.arms if s.status == "winner")
    shown = f"{100 * row.test_score:.1f}"
    assert f"{shown} [{100 * row.test_low:.1f}, {100 * row.test_high:.1f}]" in page("classification").sections["arms"]


def test_a_metric_that_falls_is_turned_so_that_positive_is_better(page, study):
    d = study("regression").verdict.confirmation[0]
    assert d.difference > 0
    assert f"+{d.difference:.0f} of mean_squared_error" in page("regression").sections["differences"]
    gap = re.search(r"promised (\d+) more", page("regression").sections["promise_kept"])
    scores = [o for o in study("regression").outcomes if o.arm == d.a]
    best = min(o.score for o in scores if not o.rung.startswith("confirm") and math.isfinite(o.score))
    kept = statistics.fmean(o.test_score for o in scores if o.rung == "confirm")
    assert int(gap[1]) == round(kept - best)


def panels_and_figures(section, study: Study):
    return section(study).parts


def test_points_of_the_learning_rate_curves_are_means_over_seeds(study):
    drawn = learning_rates(study("classification")).parts[0].panels[0].draw
    points, chosen = drawn.args[0], drawn.args[1]
    for p in points:
        runs = [
            o
            for o in study("classification").outcomes
            if (o.rung, o.arm, o.learning_rate) == (p.rung, "square + nadamw", p.rate)
        ]
        finite = [o.score for o in runs if not o.diverged]
        assert (p.n, p.n_diverged) == (len(runs), len(runs) - len(finite))
        assert p.mean == pytest.approx(100 * np.mean(finite)) if finite else math.isnan(p.mean)
    assert chosen == pytest.approx(10**-2.5)


def test_an_extension_of_the_grid_counts_with_its_rung():
    study = fake_studies.classification()
    moved = [
        dataclasses.replace(o, rung="search 1, extension 1") if o.rung == "search 1" and o.learning_rate > 0.05 else o
        for o in study.outcomes
    ]
    before, after = (
        learning_rates(s).parts[0].panels[0].draw.args[0] for s in (study, dataclasses.replace(study, outcomes=moved))
    )
    assert [(p.rung, p.rate, p.n) for p in before] == [(p.rung, p.rate, p.n) for p in after]


def test_an_arm_whose_best_rate_is_the_last_of_the_grid_is_flagged():
    study = fake_studies.classification()
    rows = [dataclasses.replace(r, learning_rate=max(fake_studies.grid(r.name))) for r in study.verdict.arms]
    edged = dataclasses.replace(study, verdict=dataclasses.replace(study.verdict, arms=rows))
    assert all("edge" in p.warning for p in learning_rates(edged).parts[0].panels)
    assert not any(p.warning for p in learning_rates(study).parts[0].panels)


def test_learning_curves_are_means_over_the_race_with_t_intervals(study):
    lines = {c.label: c for c in learning_curves(study("classification")).parts[0].draw.args[0]}
    runs = [o for o in study("classification").outcomes if o.arm == "square + nadamw" and o.rung.startswith("race")]
    last = 100 * np.array([o.curve[-1][1] for o in runs])
    epoch, mean, low, high = lines["square + nadamw"].points[-1]
    half = fake_studies.stats.t.ppf(0.975, len(last) - 1) * last.std(ddof=1) / np.sqrt(len(last))
    assert (epoch, mean) == (27, pytest.approx(last.mean()))
    assert (low, high) == (pytest.approx(last.mean() - half), pytest.approx(last.mean() + half))


def test_epochs_to_the_target_are_those_of_each_seed(study):
    rows = {r.label: r for r in time_to_target(study("classification")).parts[0].draw.args[0]}
    race = [o for o in study("classification").outcomes if o.rung.startswith("race")]
    target = np.mean([o.curve[-1][1] for o in race if o.arm == "cross_entropy + nadamw"])
    for label, row in rows.items():
        mine = [o for o in race if o.arm == label]
        first = [next((e for e, s in o.curve if s >= target), None) for o in mine]
        assert row.n == len(mine)
        assert list(row.epochs) == sorted(e for e in first if e is not None)


def test_paired_seeds_show_every_run_of_the_confirmation(study):
    strips = seed_by_seed(study("classification")).parts[0].draw.args[0]
    for strip in strips:
        runs = {
            o.seed: 100 * o.test_score
            for o in study("classification").outcomes
            if o.rung == "confirm" and o.arm == strip.label
        }
        assert strip.scores == pytest.approx(runs)


def test_arms_that_were_not_confirmed_are_marked_as_no_claim(study):
    rows = differences(study("classification")).parts[0].draw.args[0]
    assert [r.claimed for r in rows] == [True, True, False, False, False]
    assert [r.label for r in rows][:2] == [d.b for d in study("classification").verdict.confirmation]


def test_the_promise_of_the_search_is_its_best_single_run(study):
    row = promise_kept(study("classification")).parts[0].draw.args[0][0]
    runs = [o for o in study("classification").outcomes if o.arm == row.label]
    assert row.promised == pytest.approx(100 * max(o.score for o in runs if o.rung != "confirm" and not o.diverged))
    assert row.kept == pytest.approx(100 * np.mean([o.test_score for o in runs if o.rung == "confirm"]))


def test_one_seed_gives_no_interval():
    found = estimate([0.5, math.nan])
    assert (found.mean, found.n, found.has_interval) == (0.5, 1, False)
    assert estimate([math.nan]) is None


def test_many_arms_are_thinned_in_charts_and_complete_in_the_table(page):
    hostile = page("hostile")
    rows = hostile.source.split('<section id="arms"')[1].split("</section>")[0].count("<tr>")
    assert rows == 1 + len(fake_studies.EVIL)
    assert "8 more arms are in the table of all arms." in hostile.sections["differences"]


def test_a_study_without_a_baseline_has_a_page():
    study = fake_studies.classification()
    arms = [dataclasses.replace(a, is_baseline=False) for a in study.plan.arms]
    verdict = dataclasses.replace(study.verdict, baseline=None, confirmation=study.verdict.confirmation[:1])
    drawn = time_to_target(dataclasses.replace(study, plan=dataclasses.replace(study.plan, arms=arms), verdict=verdict))
    assert "the middle arm" in drawn.parts[0].caption


def test_a_section_that_returns_text_becomes_a_paragraph(monkeypatch):
    from steepest.core.declare import section
    from steepest.report import render

    @section(order=5, question="Is it raining?")
    def weather(study: Study) -> str:
        """Text only."""
        return "No <rain>."

    monkeypatch.setattr(render, "sections", [weather])
    assert "Is it raining?" in report.page(fake_studies.empty()) and "No &lt;rain&gt;." in report.page(
        fake_studies.empty()
    )


def test_every_chart_of_a_page_holds_to_vegas_schema(study):
    """The page draws without looking, which is faster."""
    parts = [part for _, block in answers(study("classification")) for part in block.parts]
    drawn = [p for part in parts for p in (part.panels if isinstance(part, Panels) else [part]) if hasattr(p, "draw")]
    assert len(drawn) > 8 and all(p.draw(600).to_dict(validate=True)["width"] for p in drawn)


def test_charts_are_altair_charts_for_notebooks(study):
    figure = differences(study("classification")).parts[0]
    spec = figure.draw(600).to_dict()
    assert spec["width"] == 600 and len(spec["layer"]) >= 5


def test_writing_is_atomic_and_says_where(tmp_path):
    path = report.write(fake_studies.empty(), tmp_path / "report.html")
    assert path == tmp_path / "report.html" and "Steepest" in path.read_text("utf-8")


def test_the_interval_for_other_samples_stands_in_its_own_column_and_nowhere_without_one(study):
    drawn = study("classification")
    assert "Other samples" not in report.page(drawn)
    first, *others = drawn.verdict.confirmation
    wide = dataclasses.replace(first, level=0.975, sample_low=first.low - 0.01, sample_high=first.high + 0.01)
    verdict = dataclasses.replace(drawn.verdict, confirmation=[wide, *others])
    text = report.page(dataclasses.replace(drawn, verdict=verdict))
    assert "Other samples" in text and "thin: for other samples" in text
    scale = scale_of(drawn)
    assert scale.interval(wide.sample_low, wide.sample_high) in text.replace("\u00a0", " ")
    assert "at 97.5\u00a0%" in text or "at 97.5 %" in text


def test_scores_of_bad_learning_rates_in_the_search_take_no_digit_from_those_of_the_confirmation(study):
    drawn = study("regression")
    kept = [dataclasses.replace(o, test_score=o.test_score * 1e-4) for o in drawn.outcomes if o.test_score is not None]
    lost = [o for o in drawn.outcomes if o.test_score is None]
    digits = scale_of(dataclasses.replace(drawn, outcomes=kept)).decimals
    assert digits > 0 and scale_of(dataclasses.replace(drawn, outcomes=[*lost, *kept])).decimals == digits


def test_words_are_explained_when_the_page_uses_them(study, page):
    assert "equivalent" in page("classification").sections["words"]
    unfinished = page("unfinished").sections["words"]
    assert "undecided" not in unfinished and "arm" in unfinished


def test_the_trained_model_in_the_folder_is_named_beside_the_script(study):
    drawn = study("classification")
    at = {"file": "weights/best.safetensors", "seed": 1007}
    kept = Event("weights kept", "confirm", drawn.verdict.winner, "...", at)
    text = report.page(dataclasses.replace(drawn, events=[*drawn.events, kept]))
    assert "weights/best.safetensors, of seed 1007" in text
    assert "weights kept" not in text.partition('<script type="application/json"')[0]


@pytest.mark.parametrize(("n_looks", "angle"), [(2, 0), (12, -90)])
def test_names_of_many_rungs_stand_upright_where_side_by_side_they_would_overlap(n_looks, angle):
    rungs = [f"race look {i}" for i in range(n_looks)]
    stays = [Stay("an arm", "winner", rung, 4, 0) for rung in rungs]
    chart = survival(stays, ["an arm"], rungs, 850).to_dict()
    assert chart["layer"][0]["encoding"]["x"]["axis"]["labelAngle"] == angle


def test_a_budget_of_work_is_said_as_a_number_and_a_word(study):
    of = study("classification")
    plan = dataclasses.replace(of.plan, budget="30000epochs")
    assert cost(dataclasses.replace(of, plan=plan)).answer.endswith("the budget was 30,000 epochs.")
    assert "winner_code" not in repr(of.verdict)
