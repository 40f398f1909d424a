"""What is written into a store is what comes out, to the last bit, for the writer and for readers beside it."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import struct

import pytest
import small_study
from hypothesis import given
from hypothesis import strategies as st
from run_study import run_study

from steepest.results.payload import from_text, to_text
from steepest.results.records import Event, Outcome
from steepest.results.store import Store, read_study


def bits(value):
    """Equal for equal bits: NaN equals itself, and -0.0 differs from 0.0."""
    if isinstance(value, float):
        return struct.pack("<d", value if not math.isnan(value) else math.nan)
    if isinstance(value, (list, tuple)):
        return [bits(v) for v in value]
    return {k: bits(v) for k, v in value.items()} if isinstance(value, dict) else value


def test_a_study_comes_back_as_it_was_written(tmp_path):
    run_study(tmp_path)
    study = read_study(tmp_path)
    assert study.plan == small_study.plan(data={**small_study.plan().data, "class_names": ["<b>", "b\n"]})
    assert study.finished_rungs == list(small_study.RUNGS)
    assert study.rung_seconds == dict.fromkeys(small_study.RUNGS, 0.25)
    assert study.seconds == 0.75
    expected = [o for rung in small_study.RUNGS for o in small_study.outcomes(rung)]
    assert bits([vars(o) for o in study.outcomes]) == bits([vars(o) for o in expected])
    assert study.events == [e for rung in small_study.RUNGS for e in small_study.events(rung)]
    assert bits(study.verdict.plain()) == bits(small_study.verdict().plain())


def test_a_diverged_score_comes_back_as_nan_and_a_missing_one_as_none(tmp_path):
    run_study(tmp_path)
    by_arm = {(o.rung, o.arm, o.seed): o for o in read_study(tmp_path).outcomes}
    diverged = by_arm["confirm", "huber(delta=0.5)+adam", 0]
    assert math.isnan(diverged.score) and math.isnan(diverged.test_score) and diverged.diverged
    assert by_arm["confirm", "mse+sgd", 0].test_score is None


def test_the_plan_is_stored_before_the_first_rung(tmp_path):
    store = Store.create(tmp_path, small_study.plan())
    assert read_study(tmp_path).plan.metric == "accuracy"
    store.close()


def test_a_reader_sees_each_rung_as_soon_as_it_is_written_and_no_part_of_the_next(tmp_path):
    with Store.create(tmp_path, small_study.plan()) as store:
        for i, rung in enumerate(small_study.RUNGS):
            assert len(read_study(tmp_path).outcomes) == 4 * i
            store.write_rung(rung, small_study.outcomes(rung), [], 0.0)
    assert len(read_study(tmp_path).outcomes) == 12


def test_readers_leave_nothing_behind(tmp_path):
    run_study(tmp_path)
    for _ in range(2):
        read_study(tmp_path)
        assert os.listdir(tmp_path) == ["store.sqlite"]


def test_a_reader_that_keeps_its_connection_open_does_not_stop_the_writer(tmp_path):
    with Store.create(tmp_path, small_study.plan()) as store:
        reader = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM journal").fetchone() == (1,)
        for i in range(300):
            store.write_rung(f"rung-{i}", small_study.outcomes("x"), [], 0.0)
        assert reader.execute("SELECT count(*) FROM journal").fetchone() == (1,)
        reader.close()
    assert len(read_study(tmp_path).finished_rungs) == 300


def test_decisions_with_the_plan_and_with_the_verdict_keep_their_place_among_the_others(tmp_path):
    probe = Event("engine", "", "", "stacked: 7 x faster than a loop", {"ratio": 7.0})
    with Store.create(tmp_path, small_study.plan(), [probe]) as store:
        store.write_rung("search-1", [], small_study.events("search-1"), 1.0)
        store.write_verdict(small_study.verdict(), [probe])
    study = read_study(tmp_path)
    assert study.events == [probe, *small_study.events("search-1"), probe]
    assert study.finished_rungs == ["search-1"]


def test_the_last_verdict_counts(tmp_path):
    run_study(tmp_path)
    with Store.open(tmp_path) as store:
        store.write_verdict(small_study.verdict().of({**small_study.verdict().plain(), "sentence": "second"}))
        assert store.read().verdict.sentence == "second"


def test_a_store_is_found_where_one_is(tmp_path):
    assert not Store.exists(tmp_path) and not Store.exists(tmp_path / "missing")
    run_study(tmp_path)
    assert Store.exists(tmp_path) and Store.exists(str(tmp_path))


@pytest.mark.parametrize("name", ["with space", "per%cent?x=1#y", "\u00e9\u4e2d", "a'b\"c"])
def test_a_folder_may_have_any_name(tmp_path, name):
    run_study(tmp_path / name)
    assert len(read_study(tmp_path / name).outcomes) == 12
    assert os.listdir(tmp_path / name) == ["store.sqlite"]


def test_folders_above_are_created(tmp_path):
    run_study(tmp_path / "a" / "b" / "c")
    assert Store.exists(tmp_path / "a" / "b" / "c")


def test_a_relative_folder_survives_a_change_of_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Store.create("study", small_study.plan()) as store:
        monkeypatch.chdir("/")
        store.write_rung("search-1", [], [], 0.0)
    assert os.listdir(tmp_path / "study") == ["store.sqlite"]


def test_outcomes_can_be_queried_with_plain_sqlite(tmp_path):
    run_study(tmp_path)
    connection = sqlite3.connect(tmp_path / "store.sqlite")
    found = connection.execute("SELECT count(*) FROM outcome WHERE json_extract(payload, '$.diverged')").fetchone()
    connection.close()
    assert found == (3,)


numbers = st.floats() | st.integers(-(2**62), 2**62) | st.none() | st.booleans()
plain = st.recursive(
    numbers | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(evidence=st.dictionaries(st.text(), plain, max_size=4), reason=st.text())
def test_any_plain_value_survives_as_strict_json(evidence, reason):
    event = Event("kind", "rung", "arm", reason, evidence)
    text = to_text(event)
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert "\n" not in text
    assert bits(vars(Event.of(from_text(text)))) == bits(vars(event))


@given(score=st.floats(), curve=st.lists(st.tuples(st.floats(), st.floats()).map(list), max_size=4))
def test_any_score_survives(score, curve):
    outcome = Outcome("r", "a", 0, 0.1, 1.0, score, False, score, {}, curve)
    assert bits(vars(Outcome.of(from_text(to_text(outcome))))) == bits(vars(outcome))
