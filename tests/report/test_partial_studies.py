"""A study may be cut at any point, and any piece of it may be missing."""

from __future__ import annotations

import dataclasses
import math
import random

import fake_studies
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steepest import report
from steepest.report.render import answers
from steepest.results.records import Study


def mutilated(study: Study, seed: int) -> Study:
    """A part of the outcomes, events and rows of the verdict; some trials diverged, some fields empty."""
    rng = random.Random(seed)
    share = rng.choice([0.02, 0.2, 0.7])
    outcomes = [mutilated_outcome(o, rng) for o in study.outcomes if rng.random() < share]
    verdict = study.verdict
    if verdict is not None and rng.random() < 0.8:
        verdict = dataclasses.replace(
            verdict,
            winner=rng.choice([verdict.winner, None, verdict.arms[-1].name, "nobody"]),
            runner_up=rng.choice([verdict.runner_up, None]),
            baseline=rng.choice([verdict.baseline, None]),
            confirmation=[worsened(d, rng) for d in verdict.confirmation if rng.random() < 0.6],
            arms=[a for a in verdict.arms if rng.random() < 0.8],
            resolution=rng.choice([None, 0.01]),
        )
    else:
        verdict = None
    data = {k: v for k, v in study.plan.data.items() if rng.random() < 0.7}
    plan = dataclasses.replace(study.plan, data=data, rope=rng.choice([None, 0.0, 0.01]))
    events = [e for e in study.events if rng.random() < 0.7]
    return dataclasses.replace(study, plan=plan, outcomes=outcomes, events=events, verdict=verdict)


def mutilated_outcome(o, rng: random.Random):
    if rng.random() < 0.2:
        return dataclasses.replace(
            o, score=math.nan, diverged=True, test_score=rng.choice([None, math.nan]), metrics={}
        )
    curve = rng.choice([o.curve, [], o.curve[:1], [[e, math.nan] for e, _ in o.curve]])
    return dataclasses.replace(
        o, curve=curve, loss_curve=[], rung=rng.choice([o.rung, o.rung, o.rung + ", extension 1"])
    )


def worsened(d, rng: random.Random):
    low, high, mean = rng.choice(
        [(d.low, d.high, d.difference), (-math.inf, math.inf, math.nan), (-math.inf, d.high, -math.inf)]
    )
    return dataclasses.replace(
        d, low=low, high=high, difference=mean, verdict=rng.choice(["undecided", "worse", d.verdict])
    )


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.sampled_from(["classification", "regression", "one_arm", "all_diverged"]))
def test_every_section_survives_what_is_missing(study, seed, name):
    assert [item.name for item, _ in answers(mutilated(study(name), seed))][0] == "verdict"


@pytest.mark.parametrize("seed", range(2))
def test_a_page_can_be_drawn_of_what_is_left(study, seed):
    drawn = report.page(mutilated(study("classification"), seed))
    assert drawn.rstrip().endswith("</html>") and ">nan<" not in drawn.lower() and "NaN" not in drawn


def test_a_difference_without_bounds_keeps_its_row():
    study = fake_studies.classification()
    first = dataclasses.replace(study.verdict.confirmation[0], low=-math.inf)
    verdict = dataclasses.replace(study.verdict, confirmation=[first, *study.verdict.confirmation[1:]])
    block = next(b for item, b in answers(dataclasses.replace(study, verdict=verdict)) if item.name == "differences")
    spec = block.parts[0].draw(700).to_dict()
    row = next(r for layer in spec["layer"] for r in layer["data"]["values"] if r.get("row") == first.b and "low" in r)
    assert math.isfinite(row["low"]) and "[−∞, " in row["text"]
