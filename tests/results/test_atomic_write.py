"""A file written by atomic_write is whole, old or new, whatever fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from faults import faults

from steepest.core.errors import StoreError
from steepest.results.durable import atomic_write, sweep

HERE = Path(__file__).resolve().parent


def test_text_and_bytes_come_back(tmp_path):
    atomic_write(tmp_path / "a.txt", "caf\u00e9\n")
    atomic_write(str(tmp_path / "b.bin"), b"\x00\xff\r\n")
    assert (tmp_path / "a.txt").read_bytes() == b"caf\xc3\xa9\n"
    assert (tmp_path / "b.bin").read_bytes() == b"\x00\xff\r\n"


def test_a_second_write_replaces_the_first_and_leaves_nothing_beside_it(tmp_path):
    for text in ("long " * 1000, "short"):
        atomic_write(tmp_path / "a.txt", text)
    assert (tmp_path / "a.txt").read_text() == "short"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("act", ["before", "after"])
def test_after_any_failed_operation_the_file_is_the_old_or_the_new_one(tmp_path, act):
    path = tmp_path / "a.txt"
    for n in range(1, 100):
        path.write_text("old")
        with faults(n, act) as found:
            try:
                atomic_write(path, "new")
                failed = False
            except StoreError as error:
                failed = True
                assert "full" in error.seen and error.repair
        assert failed == found.has_struck
        assert path.read_text() in ("old", "new")
        assert os.listdir(tmp_path) == ["a.txt"]
        if not failed:
            break
    assert n > 4


def test_a_folder_that_does_not_exist_is_named_with_the_repair(tmp_path):
    with pytest.raises(StoreError, match="mkdir -p") as refusal:
        atomic_write(tmp_path / "missing" / "a.txt", "x")
    assert str(tmp_path / "missing") in refusal.value.seen


def test_a_path_that_is_a_folder_is_refused_and_kept(tmp_path):
    (tmp_path / "a" / "inside").mkdir(parents=True)
    with pytest.raises(StoreError, match="something else has this name"):
        atomic_write(tmp_path / "a", "x")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_the_longest_name_that_the_disk_allows_can_be_written(tmp_path):
    atomic_write(tmp_path / ("x" * 255), "x")
    assert (tmp_path / ("x" * 255)).read_text() == "x"


def test_a_link_is_replaced_and_what_it_pointed_to_is_kept(tmp_path):
    (tmp_path / "elsewhere").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    atomic_write(tmp_path / "link", "new")
    assert (tmp_path / "elsewhere").read_text() == "kept"
    assert (tmp_path / "link").read_text() == "new"


def test_a_folder_flush_that_the_file_system_lacks_is_no_failure(tmp_path, monkeypatch):
    import errno
    import stat

    real = os.fsync

    def fsync(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    atomic_write(tmp_path / "a.txt", "x")
    assert (tmp_path / "a.txt").read_text() == "x"


READ_ONLY = """
import os, sys
from pathlib import Path
import small_study
from run_study import run_study
from steepest.core.errors import StoreError
from steepest.results.durable import atomic_write
from steepest.results.store import Store, read_study
folder = Path(sys.argv[1])
run_study(folder / "study")
(folder / "study").chmod(0o555)
folder.chmod(0o555)
if os.geteuid() == 0:
    os.setuid(65534)  # root may write everywhere
for attempt in (
    lambda: atomic_write(folder / "a.txt", "x"),
    lambda: Store.create(folder / "other", small_study.plan()),
    lambda: Store.open(folder / "study"),
):
    try:
        attempt()
    except StoreError as error:
        assert "chmod u+w" in error.repair or "choose another folder" in error.repair, error.repair
        print("refused")
print(len(read_study(folder / "study").outcomes), sorted(os.listdir(folder / "study")))
"""


def test_a_folder_that_cannot_be_written_is_refused_and_can_still_be_read():
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp())  # not below pytest's own folder, which other users may not enter
    try:
        command = [sys.executable, "-c", READ_ONLY, str(folder)]
        found = subprocess.run(command, capture_output=True, text=True, cwd=HERE, timeout=60)
    finally:
        folder.chmod(0o755)
        (folder / "study").chmod(0o755)
        shutil.rmtree(folder)
    assert found.stdout.splitlines() == ["refused"] * 3 + ["12 ['store.sqlite']"], found.stderr


def test_what_a_killed_write_left_is_swept_and_nothing_else(tmp_path):
    keep = [".0123456789ab.tmp.txt", "0123456789ab.tmp", ".mine.tmp", "report.html"]
    for name in [*keep, ".0123456789ab.tmp"]:
        (tmp_path / name).write_text("x")
    sweep(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(keep)
