"""Whatever fails while compare runs, the same call ends with the study that nobody disturbed, weights included."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

pytest.importorskip("resource", reason="this system cannot limit the size of files")

from disturbed import ASKED, DISTURBANCES, FINISHED, begin_or_go_on, disturb, ended, quick_page, trace, undisturbed
from faults import faults

import steepest.compare
from steepest.compare import compare
from steepest.compare.machines import Place
from steepest.compare.trainer import Shard, Trained, Trainer
from steepest.core.errors import StoreError
from steepest.data import Data
from steepest.results.store import Store, read_study


class Replay:
    """A place where every shard has been trained before, so that a study takes as long as its storage."""

    n_workers = 1

    def __init__(self) -> None:
        self._known: dict[object, Trained] = {}
        self._todo: deque[Shard] = deque()

    def open(self, trainer: Trainer) -> Replay:
        self._trainer = trainer
        self._todo.clear()
        return self

    def submit(self, shard: Shard) -> None:
        self._todo.append(shard)

    def results(self) -> Iterator[tuple[Shard, Trained]]:
        while self._todo:
            shard = self._todo.popleft()
            key = shard.rung.name, shard.trials
            if key not in self._known:
                self._known[key] = self._trainer.train(shard)
            yield shard, self._known[key]

    def cancel(self) -> None:
        self._todo.clear()


@pytest.fixture(scope="module")
def replay() -> Iterator[None]:
    place: Place = Replay()
    with quick_page(), mock.patch.object(steepest.compare, "place_of", lambda words, devices: place):
        yield


@pytest.mark.slow
@pytest.mark.parametrize("act", ["before", "after"])
def test_any_failed_operation_of_a_whole_study_is_told_and_the_same_call_goes_on(replay, quick_path, act):
    """Buys: every open, flush, rename and statement of compare, weights and page included, fails once; a minute."""
    compare(**ASKED, out=quick_path / "peace")
    expected = trace(quick_path / "peace")
    n_told = 0
    for n in range(1, 1000):
        folder = quick_path / str(n)
        with faults(n, act) as found:
            try:
                compare(**ASKED, out=folder)
            except StoreError as error:
                n_told += 1
                assert error.repair
        if not found.has_struck:
            break
        compare(**ASKED, out=folder)
        assert trace(folder) == expected, n
        shutil.rmtree(folder)
    assert 60 < n < 999 and n_told > 0.9 * n  # a few failures need not be told: of a lock's removal, say


@pytest.mark.slow
def test_a_study_killed_at_any_operation_goes_on_to_the_same_end(replay, quick_path):
    """Buys: kill -9 at every place where the disk is half written; every third of them, a minute."""
    compare(**ASKED, out=quick_path / "peace")
    expected = trace(quick_path / "peace")
    for n in range(1, 1000, 3):
        folder = quick_path / str(n)
        if ended(begin_or_go_on(folder, faults(n, "kill"))) == FINISHED:
            break
        compare(**ASKED, out=folder)
        assert trace(folder) == expected, n
        shutil.rmtree(folder)
    assert 60 < n < 999


@pytest.mark.slow
@pytest.mark.parametrize("kind", DISTURBANCES)
def test_a_disturbed_study_ends_as_if_nothing_had_been(quick_path, kind):
    """Three of each kind; bench/kills.py disturbs a hundred."""
    seconds = undisturbed(quick_path / "peace")
    expected, chance = trace(quick_path / "peace"), random.Random(kind)
    for i in range(3):
        told = disturb(quick_path / str(i), kind, chance, seconds, times=2)
        assert told["code"] == FINISHED and not told["lost"] and not told["twice"], told
        assert trace(quick_path / str(i)) == expected, told


BROKEN = [
    ("store.sqlite", "cut off", "cut off: "),
    ("store.sqlite", "flipped", "differs from what was written|SQLite says"),
    ("store.sqlite", "empty", r"the file is empty \(0 bytes\)"),
    ("store.sqlite", "foreign", "it is no SQLite file"),
]


@pytest.fixture(scope="module")
def half(tmp_path_factory) -> Path:
    """A study that was killed in its race."""
    folder = tmp_path_factory.mktemp("half") / "study"
    with quick_page(), contextlib.suppress(KeyboardInterrupt):
        compare(**{**ASKED, "progress": StopsAt("race look 1")}, out=folder)
    return folder


class StopsAt:
    """A listener that interrupts when it hears of a rung."""

    def __init__(self, rung: str) -> None:
        self.rung = rung

    def say(self, text: str) -> None:
        if text.startswith(self.rung):
            raise KeyboardInterrupt

    def start(self, total_epochs: float, text: str) -> None:
        pass

    def advance(self, epochs: float) -> None:
        pass

    def stop(self) -> None:
        pass


@pytest.mark.parametrize(("name", "damage", "words"), BROKEN)
def test_a_broken_file_is_told_by_name_with_what_to_do_and_left_as_it_is(half, tmp_path, name, damage, words):
    folder = tmp_path / "study"
    shutil.copytree(half, folder)
    path = folder / name
    whole = path.read_bytes()
    middle = len(whole) // 2
    broken = {
        "cut off": whole[:middle],
        "flipped": whole[:middle] + bytes(b ^ 0x55 for b in whole[middle : middle + 64]) + whole[middle + 64 :],
        "empty": b"",
        "foreign": b"something else entirely" * 40,
    }[damage]
    path.write_bytes(broken)
    with pytest.raises(StoreError, match=words) as refusal:
        compare(**ASKED, out=folder)
    assert str(path) in refusal.value.where and "copy" in refusal.value.repair
    assert path.read_bytes() == broken and os.listdir(folder) == os.listdir(half)


def test_changed_data_are_told_before_anything_is_trained(half, tmp_path, monkeypatch):
    """The table that the study read has changed since; the name of the data is the same."""
    folder = tmp_path / "study"
    shutil.copytree(half, folder)
    monkeypatch.setattr(Data, "fingerprint", "0123456789abcdef")
    before = (folder / "store.sqlite").read_bytes()
    for again in (lambda: compare(**ASKED, out=folder), lambda: steepest.compare.resume(folder, progress=False)):
        with pytest.raises(StoreError, match="0123456789abcdef"):
            again()
    assert (folder / "store.sqlite").read_bytes() == before


@pytest.mark.parametrize(("package", "words"), [("torch", "torch 2.10.0, here is"), ("steepest", "steepest 0.0.1")])
def test_a_study_begun_with_another_version_is_not_mixed_with_this_one(half, tmp_path, monkeypatch, package, words):
    plan = read_study(half).plan
    other = replace(plan, versions={**plan.versions, package: words.split()[1].rstrip(",")})
    with Store.create(tmp_path / "study", other):
        pass
    with pytest.raises(StoreError, match=words) as refusal:
        compare(**ASKED, out=tmp_path / "study")
    assert f"pip install {package}==" in refusal.value.repair and "steepest report" in refusal.value.repair


def test_rungs_of_another_protocol_are_told_instead_of_taken_for_its_own(half, tmp_path):
    known = read_study(half)
    first = known.finished_rungs[0]
    with Store.create(tmp_path / "study", known.plan) as store:
        store.write_rung(first, [o for o in known.outcomes if o.rung == first][1:], [], 0.1)
    with pytest.raises(StoreError, match=f"its rung '{first}' holds 41 trials"):
        compare(**ASKED, out=tmp_path / "study")
