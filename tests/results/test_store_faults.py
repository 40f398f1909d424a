"""Whatever fails and wherever the process is killed, a prefix of the rungs is kept and leads to the same end."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import small_study
from faults import faults
from run_study import run_study

from steepest.core.errors import StoreError
from steepest.results.payload import to_text
from steepest.results.records import Study
from steepest.results.store import Store, read_study

NEVER = 10**9
HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("undisturbed")
    run_study(folder)
    return to_text(read_study(folder))


def assert_is_a_prefix(study: Study) -> None:
    """The finished rungs are the first ones, each with all that was written in it."""
    n = len(study.finished_rungs)
    assert tuple(study.finished_rungs) == small_study.RUNGS[:n]
    expected = [to_text(o) for rung in study.finished_rungs for o in small_study.outcomes(rung)]
    assert [to_text(o) for o in study.outcomes] == expected
    assert [to_text(e) for e in study.events] == [
        to_text(e) for rung in study.finished_rungs for e in small_study.events(rung)
    ]
    assert study.verdict is None or n == len(small_study.RUNGS)


def assert_it_can_go_on(folder: Path, undisturbed: str) -> None:
    if Store.exists(folder):
        assert_is_a_prefix(read_study(folder))
    run_study(folder)
    assert to_text(read_study(folder)) == undisturbed
    assert os.listdir(folder) == ["store.sqlite"]


@pytest.mark.parametrize("act", ["before", "after"])
def test_any_failed_operation_is_a_store_error_and_the_study_can_go_on(quick_path, undisturbed, act):
    for n in range(1, 1000):
        folder = quick_path / str(n)
        with faults(n, act) as found:
            try:
                run_study(folder)
            except StoreError as error:
                assert error.repair
        if not found.has_struck:
            break
        assert_it_can_go_on(folder, undisturbed)
    assert 40 < n < 999  # the harness saw the operations of a whole study, and came to their end


@pytest.mark.parametrize("act", ["before", "after"])
def test_a_failed_rung_can_be_written_again_by_the_same_process(quick_path, act):
    for n in range(1, 1000):
        with faults(NEVER, act) as found, Store.create(quick_path / str(n), small_study.plan()) as store:
            found.at = found.count + n
            with contextlib.suppress(StoreError):
                store.write_rung("search-1", small_study.outcomes("search-1"), [], 0.0)
            has_struck, found.at = found.has_struck, NEVER
            if not store.read().finished_rungs:
                assert has_struck
                store.write_rung("search-1", small_study.outcomes("search-1"), [], 0.0)
            store.write_rung("race-1", small_study.outcomes("race-1"), [], 0.0)
        assert [o.rung for o in read_study(quick_path / str(n)).outcomes] == ["search-1"] * 4 + ["race-1"] * 4
        if not has_struck:
            break
    assert 5 < n < 999


def program(name: str, *arguments: object) -> list[str]:
    return [sys.executable, str(HERE / name), *map(str, arguments)]


def test_killed_at_any_operation_the_study_goes_on_to_the_same_end(quick_path, undisturbed):
    subprocess.run(program("kill_everywhere.py", quick_path), check=True, timeout=120)
    folders = list(quick_path.iterdir())
    assert len(folders) > 40
    for folder in folders:
        assert_it_can_go_on(folder, undisturbed)


@pytest.mark.parametrize("rungs_seen", [0, 3, 11])
def test_killed_at_any_time_every_acknowledged_rung_is_there_and_whole(tmp_path, rungs_seen):
    writer = subprocess.Popen(program("write_rungs.py", tmp_path / "study"), stdout=subprocess.PIPE, text=True)
    for _ in range(rungs_seen + 1):  # the first line tells that the plan is stored
        assert writer.stdout.readline()
    writer.kill()
    acknowledged = rungs_seen + len(writer.stdout.read().splitlines())
    writer.wait()
    study = read_study(tmp_path / "study")
    assert len(study.finished_rungs) in (acknowledged, acknowledged + 1)  # + 1: killed between commit and word
    assert len(study.outcomes) == 50 * len(study.finished_rungs)
    with Store.open(tmp_path / "study") as store:  # the dead owner's lock is gone
        store.write_rung("after", [], [], 0.0)


def test_a_log_cut_off_anywhere_leaves_a_prefix_of_the_rungs(tmp_path):
    kept = tmp_path / "kept"
    with Store.create(kept, small_study.plan()) as store:
        for rung in small_study.RUNGS:
            store.write_rung(rung, small_study.outcomes(rung), small_study.events(rung), 0.25)
        copy = tmp_path / "copy"
        shutil.copytree(kept, copy)
    log = (copy / "store.sqlite-wal").read_bytes()
    seen = set()
    for size in [*range(0, len(log), 997), len(log)]:
        torn = tmp_path / f"torn-{size}"
        torn.mkdir()
        shutil.copy(copy / "store.sqlite", torn)
        (torn / "store.sqlite-wal").write_bytes(log[:size])
        study = read_study(torn)
        assert_is_a_prefix(study)
        seen.add(len(study.finished_rungs))
        shutil.rmtree(torn)
    assert seen == {0, 1, 2, 3}


def test_a_flipped_byte_is_reported_or_does_not_matter(tmp_path, undisturbed):
    folder = tmp_path / "study"
    run_study(folder)
    path = folder / "store.sqlite"
    whole = path.read_bytes()
    reported = 0
    for position in range(0, len(whole), 131):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        try:
            assert to_text(read_study(folder)) == undisturbed
        except StoreError as error:
            reported += 1
            assert error.repair
        for left in ("store.sqlite-wal", "store.sqlite-shm"):
            (folder / left).unlink(missing_ok=True)
    assert reported > 10


def test_a_file_cut_off_says_how_much_is_missing(tmp_path):
    run_study(tmp_path)
    path = tmp_path / "store.sqlite"
    whole = path.read_bytes()
    for size in range(16, len(whole), 1024):
        path.write_bytes(whole[:size])
        with pytest.raises(StoreError, match="cut off") as refusal:
            read_study(tmp_path)
        assert f"{size:,}" in refusal.value.seen
        with pytest.raises(StoreError, match="cut off"):
            Store.open(tmp_path)
        assert path.read_bytes() == whole[:size]


FULL_DISK = """
import resource, sys, small_study
from steepest.core.errors import StoreError
from steepest.results.store import Store, read_study
refused = 0
for limit in range(20_000, 400_000, 9_973):
    folder = f"{sys.argv[1]}/{limit}"
    with Store.create(folder, small_study.plan()) as store:
        store.write_rung("search-1", small_study.outcomes("search-1"), [], 1.0)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            store.write_rung("race-1", small_study.outcomes("race-1") * 200, [], 1.0)
        except StoreError as error:
            refused += 1
            assert "Every rung stored before is safe" in str(error)
            assert store.read().finished_rungs == ["search-1"]
            assert read_study(folder).finished_rungs == ["search-1"]
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        if "race-1" not in store.read().finished_rungs:
            store.write_rung("race-1", small_study.outcomes("race-1") * 200, [], 1.0)
    assert len(read_study(folder).outcomes) == 4 + 800
print(refused)
"""


def test_a_full_disk_costs_only_the_rung_that_did_not_fit(quick_path):
    pytest.importorskip("resource", reason="this system cannot limit the size of files")
    command = [sys.executable, "-c", FULL_DISK, str(quick_path)]
    found = subprocess.run(command, capture_output=True, text=True, cwd=HERE, timeout=60)
    assert found.returncode == 0, found.stderr
    assert 3 < int(found.stdout) < 39  # small limits were refused, large ones were not
