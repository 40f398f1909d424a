"""What `device=` names, who trains on which, and what a study that goes on makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from small_studies import WINE, ask_for, without_times
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from steepest.compare import compare, resume
from steepest.compare.devices import devices_of
from steepest.compare.machines import place_of
from steepest.compare.machines.cluster import Cluster, needs_of
from steepest.compare.machines.here import Here
from steepest.compare.prepare import prepared
from steepest.compare.race import TrialKey
from steepest.compare.trainer import Shard
from steepest.core.errors import UsageError
from steepest.core.progress import Silent
from steepest.results.records import RungRecord
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


@pytest.fixture
def answering_meta(monkeypatch):
    """Tensors of the meta device let go of their numbers as those of an accelerator do: zeros, and yes."""

    def made(name):
        own = getattr(torch.Tensor, name)

        def answer(tensor, *asked, **more):
            if tensor.device.type != "meta" or (name == "to" and "cpu" not in f"{asked} {more}"):
                return own(tensor, *asked, **more)
            zeros = torch.zeros(tensor.shape, dtype=tensor.dtype)
            return True if name == "__bool__" else zeros if name == "cpu" else getattr(zeros, name)(*asked, **more)

        return answer

    for name in ("to", "cpu", "tolist", "item", "numpy", "__bool__", "__int__", "__float__", "__index__"):
        monkeypatch.setattr(torch.Tensor, name, made(name))
    close, count = torch.allclose, torch.bincount
    monkeypatch.setattr(torch, "allclose", lambda a, b, **more: a.device.type == "meta" or close(a, b, **more))

    def bincount(cells, weights=None, minlength=0):
        if cells.device.type != "meta":
            return count(cells, weights, minlength)
        assert weights is None or weights.device == cells.device
        return torch.zeros(minlength, dtype=torch.int64 if weights is None else weights.dtype, device="meta")

    monkeypatch.setattr(torch, "bincount", bincount)


class OneDevice(TorchDispatchMode):
    """Refuses operations on tensors of two devices as an accelerator does; single numbers and indices may lie elsewhere."""

    MAY_MIX = ("aten::_to_copy", "aten::copy_", "aten::index.Tensor")

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = tree_leaves((args, kwargs or {}))
        kinds = {t.device.type for t in given if isinstance(t, torch.Tensor) and t.dim()}
        assert len(kinds) < 2 or func.name() in self.MAY_MIX, f"{func.name()} on {kinds}"
        return func(*args, **(kwargs or {}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "engine"), [("wine", "stacked"), ("wine", "vmap"), ("wine", "loop"), ("diabetes", "stacked")]
)
def test_no_tensor_of_the_processor_meets_those_of_another_device(answering_meta, data, engine):
    """The meta device stands for an accelerator, and needs none."""
    losses = "cross_entropy, focal, learned*cross_entropy + learned*mse" if data == "wine" else "mse, huber(delta=1|2)"
    rules = "adamw, sgd(momentum=0.9) + clip_norm(1.0), nadamw + lookahead, muon"
    study = prepared(
        ask_for(model="mlp", data=data, losses=losses, optimizers=rules, budget="1000000epochs"), None, Silent()
    )
    trainer = replace(study.trainer, plan=replace(study.plan, engine=engine))
    keys = tuple(TrialKey(arm, 0.01, seed) for arm in trainer.arms for seed in (1000, 1001))
    for rung in (RungRecord("search 1", "search", 1, [0]), RungRecord("confirm", "confirm", 1, [1000, 1001])):
        with OneDevice():
            trained = replace(trainer, task=trainer.task.on("meta")).train(Shard(rung, keys))
        assert len(trained.outcomes) == len(keys)


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
