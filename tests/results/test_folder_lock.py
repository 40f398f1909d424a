"""Two processes never write one folder, and a dead owner never keeps it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import small_study

from steepest.core.errors import StoreError
from steepest.results import lock
from steepest.results.lock import FolderLock
from steepest.results.store import Store, read_study

HERE = Path(__file__).resolve().parent

HOLD = """
import os, sys, time
from steepest.results.store import Store
store = Store.open(sys.argv[1])
child = 0
if len(sys.argv) > 2:
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(tell, b"x")
        time.sleep(60)  # like a data loader's worker that outlives its parent
    os.read(ready, 1)
print(os.getpid(), child, flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path):
    Store.create(tmp_path / "study", small_study.plan()).close()
    return tmp_path / "study"


def hold(folder: Path, *more: str) -> tuple[subprocess.Popen, int, int]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), *more], stdout=subprocess.PIPE, text=True, cwd=HERE
    )
    pid, child = map(int, process.stdout.readline().split())
    return process, pid, child


def test_a_second_process_is_refused_by_the_owners_name_and_can_read(folder):
    process, pid, _ = hold(folder)
    try:
        for attempt in (lambda: Store.open(folder), lambda: Store.create(folder, small_study.plan())):
            with pytest.raises(StoreError) as refusal:
                attempt()
            assert f"another process (pid {pid} on {os.uname().nodename}, since " in refusal.value.seen
        assert read_study(folder).finished_rungs == []
    finally:
        process.kill()
        process.wait()


def test_the_lock_of_a_killed_process_is_gone(folder):
    process, _, _ = hold(folder)
    process.kill()
    process.wait()
    Store.open(folder).close()


def test_a_worker_forked_by_a_killed_process_does_not_keep_its_lock(folder):
    process, _, child = hold(folder, "fork")
    try:
        process.kill()
        process.wait()
        os.kill(child, 0)  # the worker lives
        Store.open(folder).close()
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_second_store_of_the_same_process_is_refused(folder):
    with Store.open(folder), pytest.raises(StoreError, match="this process"):
        Store.open(folder)
    Store.open(folder).close()


def test_a_forked_child_that_closes_the_store_leaves_it_to_its_parent(folder):
    with Store.open(folder) as store:
        child = os.fork()
        if child == 0:
            store.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        with pytest.raises(StoreError, match="this process"):
            Store.open(folder)
        store.write_rung("search-1", [], [], 0.0)
    assert read_study(folder).finished_rungs == ["search-1"]


def test_no_lock_file_stays_behind(folder):
    Store.open(folder).close()
    assert os.listdir(folder) == ["store.sqlite"]


def test_a_lock_is_refused_while_held_and_free_after_release(tmp_path):
    first = FolderLock(tmp_path)
    with pytest.raises(StoreError):
        FolderLock(tmp_path)
    assert first.is_held
    first.release()
    first.release()  # a second time does nothing
    second = FolderLock(tmp_path)
    assert not first.is_held and second.is_held
    second.release()


def test_a_lock_file_removed_between_opening_and_locking_is_tried_again(tmp_path, monkeypatch):
    """The previous owner removes the file as it leaves; a lock on a removed file would exclude nobody."""
    real, calls = lock._lock_or_raise, []

    def lock_after_removal(handle):
        calls.append(handle)
        if len(calls) == 1:
            (tmp_path / "store.lock").unlink()
        if len(calls) == 2:  # and this time another owner's file is there instead
            (tmp_path / "store.lock").unlink()
            (tmp_path / "store.lock").touch()
        real(handle)

    monkeypatch.setattr(lock, "_lock_or_raise", lock_after_removal)
    held = FolderLock(tmp_path)
    assert len(calls) == 3
    with pytest.raises(StoreError):
        FolderLock(tmp_path)
    held.release()


def test_an_owner_who_could_not_sign_is_refused_all_the_same(tmp_path):
    held = FolderLock(tmp_path)
    (tmp_path / "store.lock").write_text("{torn")
    with pytest.raises(StoreError, match="another process is at work"):
        FolderLock(tmp_path)
    held.release()


def test_a_file_system_without_locks_is_refused(tmp_path, monkeypatch):
    def no_locks(handle):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock, "_lock_or_raise", no_locks)
    with pytest.raises(StoreError, match="local disk"):
        FolderLock(tmp_path)
