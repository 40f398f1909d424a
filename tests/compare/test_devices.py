"""What `device=` names, who trains on which, and what a study that goes on makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from small_studies import WINE, ask_for, without_times

from steepest.compare import compare, resume
from steepest.compare.devices import devices_of
from steepest.compare.machines import place_of
from steepest.compare.machines.cluster import Cluster, needs_of
from steepest.compare.machines.here import Here
from steepest.compare.prepare import prepared
from steepest.core.errors import UsageError
from steepest.core.progress import Silent
from steepest.results.store import Store, read_study


@pytest.fixture
def four_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)


@pytest.mark.parametrize("asked", [None, "cpu", "auto", ["cpu"], torch.device("cpu"), " cpu "])
def test_without_an_accelerator_a_study_trains_on_the_processor(asked):
    assert devices_of(asked) == ("cpu",)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("cuda", ("cuda:0",)),
        (torch.device("cuda", 2), ("cuda:2",)),
        ("cuda:0, cuda:3", ("cuda:0", "cuda:3")),
        (["cuda:1", torch.device("cuda")], ("cuda:1", "cuda:0")),
        ("cuda:1,cuda:1", ("cuda:1", "cuda:1")),
        ("auto", ("cuda:0", "cuda:1", "cuda:2", "cuda:3")),
        (None, ("cpu",)),
    ],
)
def test_the_devices_that_are_named_are_found_in_their_order(four_gpus, asked, found):
    assert devices_of(asked) == found


@pytest.mark.parametrize("asked", ["tpu", "cuda", "cuda:0,cuda:1", "meta", "mps", "", [], "cpu:7", "cpu,cuda", 0])
def test_a_device_that_is_not_there_or_holds_no_numbers_is_refused_with_those_that_are(asked):
    with pytest.raises(UsageError, match=r"Here are: cpu\."):
        devices_of(asked)


def test_a_number_too_high_is_refused_with_the_numbers_that_are_there(four_gpus):
    with pytest.raises(UsageError, match="cpu, cuda:0, cuda:1, cuda:2, cuda:3"):
        devices_of("cuda:4")


def test_devices_of_two_kinds_are_refused_as_a_trial_would_depend_on_who_was_free(four_gpus):
    with pytest.raises(UsageError, match="of 2 kinds"):
        devices_of("cpu, cuda:0")


@pytest.mark.parametrize(
    ("words", "devices", "of_workers"),
    [
        ("local", ["cuda:0", "cuda:1"], ("cuda:0", "cuda:1")),
        ("local:5", ["cuda:0", "cuda:1"], ("cuda:0", "cuda:1", "cuda:0", "cuda:1", "cuda:0")),
        (2, ["cuda:0", "cuda:1", "cuda:2"], ("cuda:0", "cuda:1", "cuda:2")),
        (3, ["cpu"], ("cpu", "cpu", "cpu")),
    ],
)
def test_each_device_has_a_process_and_more_processes_take_them_in_turn(words, devices, of_workers):
    assert place_of(words, devices).devices == of_workers


def test_one_device_of_whatever_kind_needs_no_other_process():
    assert place_of("local", ["cuda:3"]) == Here()


def test_a_cluster_gives_each_worker_one_device_of_the_kind():
    assert place_of("auto", ["cuda:0"]) == Cluster("auto", "cuda") and place_of("auto") == Cluster("auto", "cpu")
    assert needs_of("cuda") == {"num_cpus": 1, "num_gpus": 1} and needs_of("cpu") == {"num_cpus": 1}
    with pytest.raises(UsageError, match='device="cuda"'):
        place_of("ray://host:10001", ["cuda:0", "cuda:1"])


def test_a_task_on_another_device_has_its_rows_there_and_leaves_the_first_as_it_was():
    task = prepared(ask_for(), None, Silent()).trainer.task
    task.scales(0)
    there = task.on("meta")
    part = there.train_set(0)
    assert {t.device.type for t in (part.x, part.y, part.truth, next(there.build(0).parameters()))} == {"meta"}
    assert task.train_set(0).x.device.type == "cpu" and task.on("cpu") is task


def stopped(folder, **means) -> None:
    """A study of short runs, stopped before its second rung."""

    class Stops:
        def __getattr__(self, name):
            return lambda *args: None

        def say(self, text: str) -> None:
            if text.startswith("race look 1"):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(**{**WINE, "progress": Stops()}, out=folder, **means)


def test_a_study_goes_on_with_the_device_and_memory_of_its_beginning_or_with_others(tmp_path, monkeypatch):
    stopped(tmp_path, device="cpu", memory="64MB")
    assert read_study(tmp_path).plan.device == "cpu"
    seen = []
    monkeypatch.setattr("steepest.compare.run_study", lambda store, trainer, *rest: seen.append(trainer.plan) or 1 / 0)
    for means in ({}, {"memory": "32MB"}):
        with pytest.raises(ZeroDivisionError):
            resume(tmp_path, progress=False, **means)
        with pytest.raises(ZeroDivisionError):
            compare(**WINE, out=tmp_path, **means)
    assert [plan.memory for plan in seen] == [64 * 10**6, 64 * 10**6, 32 * 10**6, 32 * 10**6]
    with pytest.raises(UsageError, match="cuda:0"):
        resume(tmp_path, progress=False, device="cuda:0")
    with pytest.raises(UsageError, match="one trial takes"):
        resume(tmp_path, progress=False, memory="1kB")
    read = Store.read
    gone = replace(read_study(tmp_path), plan=replace(read_study(tmp_path).plan, device="cuda:1"))
    monkeypatch.setattr(Store, "read", lambda store: gone if store.path.parent == tmp_path else read(store))
    with pytest.raises(UsageError, match=r"'cuda:1'[^$]*Here are: cpu"):
        resume(tmp_path, progress=False)


@pytest.mark.slow
def test_two_places_on_the_processor_come_to_the_verdict_of_one(tmp_path):
    for words in ("cpu", "cpu,cpu"):
        compare(**WINE, device=words, out=tmp_path / str(len(words)))
    assert without_times(tmp_path / "3") == without_times(tmp_path / "7")
