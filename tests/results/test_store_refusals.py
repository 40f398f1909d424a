"""Folders that a study must not touch are refused with what is wrong and what to do, and stay as they were."""

from __future__ import annotations

import os
import shutil
import sqlite3

import pytest
import small_study
from run_study import run_study

from steepest.core.errors import StoreError
from steepest.results.records import ArmRecord, Plan
from steepest.results.store import Store, read_study


def everything_in(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def assert_all_refuse(folder, words: str, repair: str = "") -> None:
    """create, open and read_study say the same, and change nothing."""
    before = everything_in(folder)
    for attempt in (
        lambda: Store.create(folder, small_study.plan()),
        lambda: Store.open(folder),
        lambda: read_study(folder),
    ):
        with pytest.raises(StoreError) as refusal:
            attempt()
        assert words in refusal.value.seen
        assert repair in refusal.value.repair
    assert everything_in(folder) == before


def test_another_study_is_refused_by_naming_the_fields_that_differ(tmp_path):
    run_study(tmp_path)
    before = everything_in(tmp_path)
    data = {**small_study.plan().data, "n_samples": 13}
    asked = small_study.plan(metric="f1", data=data, arms=[ArmRecord("l1+sgd", "l1", "sgd", "constant")])
    for attempt in (lambda: Store.create(tmp_path, asked), lambda: Store.open(tmp_path, asked)):
        with pytest.raises(StoreError) as refusal:
            attempt()
        text = str(refusal.value)
        assert "metric is accuracy there and f1 here" in text
        assert "data.n_samples is 12 there and 13 here" in text
        assert "arms is mse+sgd, huber(delta=0.5)+adam there and l1+sgd here" in text
        assert "--out" in text and "steepest resume" in text
        assert "seed" not in refusal.value.seen
    assert everything_in(tmp_path) == before


def test_an_arm_that_differs_in_one_field_is_named(tmp_path):
    run_study(tmp_path)
    first, second = small_study.plan().arms
    changed = ArmRecord(first.name, first.loss, first.optimizer, first.schedule, learning_rates=[0.5])
    with pytest.raises(StoreError, match=r"arms.mse\+sgd.learning_rates is \[0.1, 0.001\] there and \[0.5\] here"):
        Store.open(tmp_path, small_study.plan(arms=[changed, second]))


def test_a_plan_that_a_probe_made_differently_is_the_same_study(tmp_path):
    run_study(tmp_path)
    again: Plan = small_study.plan(
        rungs=[], epochs=99, budget_epochs=1.0, forecast="x", engine="loop", versions={}, command="y"
    )
    with Store.open(tmp_path, again) as store:
        assert store.read().plan.epochs == 3  # the stored plan is the one that counts


def test_the_same_study_is_not_begun_a_second_time(tmp_path):
    with Store.create(tmp_path, small_study.plan()) as store:
        store.write_rung("search-1", small_study.outcomes("search-1"), [], 0.0)
    before = everything_in(tmp_path)
    with pytest.raises(StoreError, match="unfinished, rungs stored: 1") as refusal:
        Store.create(tmp_path, small_study.plan())
    assert f"steepest resume {tmp_path}" in refusal.value.repair
    assert everything_in(tmp_path) == before
    run_study(tmp_path)
    with pytest.raises(StoreError, match="finished"):
        Store.create(tmp_path, small_study.plan())


def test_a_database_of_another_program_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        connection.execute("CREATE TABLE customers (name)")
    connection.close()
    assert_all_refuse(tmp_path, "belongs to another program (it holds the tables customers)", "--out")


def test_an_empty_database_is_refused(tmp_path):
    connection = sqlite3.connect(tmp_path / "store.sqlite")
    connection.execute("PRAGMA user_version=7")
    connection.close()
    assert_all_refuse(tmp_path, "belongs to another program (it holds no table)", "--out")


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "store.sqlite").write_bytes(b"%PDF-1.7 and so on, long enough for a header" * 9)
    assert_all_refuse(tmp_path, "no SQLite file (it begins with b'%PDF-1.7")


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "store.sqlite").touch()
    assert_all_refuse(tmp_path, "empty (0 bytes)", "copy of")


def test_a_store_of_a_newer_format_is_refused(tmp_path):
    run_study(tmp_path)
    connection = sqlite3.connect(tmp_path / "store.sqlite")
    connection.execute("PRAGMA user_version=2")
    connection.close()
    assert_all_refuse(tmp_path, "format 2", "pip install --upgrade steepest")


def change(folder, statement: str) -> None:
    connection = sqlite3.connect(folder / "store.sqlite", isolation_level=None)
    connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE outcome SET payload = replace(payload, '0.1', '0.2')", "the rung 'search-1' (number 2 of 5) differs"),
        ("UPDATE journal SET seconds = 7 WHERE name = 'race-1'", "the rung 'race-1' (number 3 of 5) differs"),
        ("UPDATE journal SET payload = replace(payload, 'accuracy', 'f1') WHERE kind = 'plan'", "the entry 'plan'"),
        ("DELETE FROM outcome WHERE position = 6", "the rung 'race-1'"),
        ("DELETE FROM journal WHERE name = 'race-1'", "the rung 'confirm' (number 3 of 4) differs"),
        ("DELETE FROM journal WHERE name = 'confirm' OR kind = 'verdict'", "records are there whose entry"),
        ("UPDATE event SET entry = 3", "differs"),
        ("DELETE FROM journal", "records are there"),
        ("DROP TABLE event", "its tables are not those of a store"),
        ("CREATE VIEW x AS SELECT * FROM journal", "its tables are not those of a store"),
        ("UPDATE journal SET seconds = 'soon' WHERE name = 'race-1'", "differs"),
        ("UPDATE journal SET payload = x'ff00' WHERE kind = 'plan'", "its content is no study"),
        ("UPDATE journal SET name = CAST(x'ff' AS TEXT) WHERE name = 'race-1'", "Could not decode"),
    ],
)
def test_a_changed_record_is_found_and_named(tmp_path, statement, words):
    run_study(tmp_path)
    change(tmp_path, statement)
    assert_all_refuse(tmp_path, words, "copy of")


def test_a_sealed_record_that_is_no_plan_is_refused(tmp_path, monkeypatch):
    import steepest.results.store as module

    monkeypatch.setattr(module, "to_text", lambda record: '{"arms": 3}')
    Store.create(tmp_path, small_study.plan()).close()
    monkeypatch.undo()
    assert_all_refuse(tmp_path, "its content is no study")


def test_a_store_without_a_plan_is_refused(tmp_path):
    run_study(tmp_path)
    for table in ("journal", "outcome", "event"):
        change(tmp_path, f"DELETE FROM {table}")
    assert_all_refuse(tmp_path, "it holds 0 plans")


def test_a_log_without_its_main_file_is_refused_and_kept(tmp_path):
    with Store.create(tmp_path / "a", small_study.plan()) as store:
        store.write_rung("search-1", [], [], 0.0)
        shutil.copytree(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b" / "store.sqlite").unlink()
    for rest in ("store.lock", "store.sqlite-shm"):
        (tmp_path / "b" / rest).unlink()
    assert_all_refuse(tmp_path / "b", "the study's main file was removed", "Put store.sqlite back")


def test_a_folder_without_a_study_is_named_with_the_command_that_starts_one(tmp_path):
    for folder, words in ((tmp_path, "there is no store.sqlite"), (tmp_path / "missing", "there is no such folder")):
        for attempt in (lambda: Store.open(folder), lambda: read_study(folder)):
            with pytest.raises(StoreError, match=words) as refusal:
                attempt()
            assert "steepest compare" in refusal.value.repair
    assert os.listdir(tmp_path) == []


def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "store.sqlite").symlink_to(tmp_path / "outside.sqlite")
    with pytest.raises(StoreError):
        Store.create(tmp_path / "study", small_study.plan())
    assert not (tmp_path / "outside.sqlite").exists()


def test_a_file_where_the_folder_should_be_is_refused(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(StoreError):
        Store.create(tmp_path / "out", small_study.plan())
    with pytest.raises(StoreError):
        Store.create(tmp_path / "out" / "deeper", small_study.plan())
    with pytest.raises(StoreError):
        Store.open(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize("replaced", [False, True])
def test_a_folder_removed_while_the_study_runs_is_noticed_at_the_next_rung(tmp_path, replaced):
    with Store.create(tmp_path / "study", small_study.plan()) as store:
        shutil.move(tmp_path / "study", tmp_path / "moved")
        if replaced:
            run_study(tmp_path / "study")
        with pytest.raises(StoreError, match="removed or replaced"):
            store.write_rung("search-1", [], [], 0.0)
        if replaced:
            shutil.rmtree(tmp_path / "study")
        shutil.move(tmp_path / "moved", tmp_path / "study")
        store.write_rung("search-1", [], [], 0.0)
    assert read_study(tmp_path / "study").finished_rungs == ["search-1"]


def test_a_rung_is_written_once(tmp_path):
    with Store.create(tmp_path, small_study.plan()) as store:
        store.write_rung("search-1", [], [], 0.0)
        with pytest.raises(StoreError, match="already stored"):
            store.write_rung("search-1", small_study.outcomes("search-1"), [], 0.0)
        assert store.read().outcomes == []


def test_a_value_that_is_not_plain_is_refused_and_nothing_of_its_rung_is_stored(tmp_path):
    numpy = pytest.importorskip("numpy")
    good, bad = small_study.outcomes("search-1")[:2]
    bad.metrics["f1"] = numpy.float32(0.5)
    with Store.create(tmp_path, small_study.plan()) as store:
        with pytest.raises(StoreError, match="numpy.float32") as refusal:
            store.write_rung("search-1", [good, bad], [], 0.0)
        assert "x.item()" in refusal.value.repair
        assert store.read().finished_rungs == []


def test_a_database_that_another_program_keeps_locked_is_named(tmp_path, monkeypatch):
    import steepest.results.layout as layout

    real = sqlite3.connect
    monkeypatch.setattr(layout.sqlite3, "connect", lambda *a, **k: real(*a, **{**k, "timeout": 0.05}))
    with Store.create(tmp_path, small_study.plan()) as store:
        other = real(tmp_path / "store.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="Close the program that has it open"):
            store.write_rung("search-1", [], [], 0.0)
        other.execute("ROLLBACK")
        other.close()
        store.write_rung("search-1", [], [], 0.0)
