"""Where trials train changes nothing: processes and killed workers lead to the verdict of a single process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import torch
from small_studies import WINE, ask_for, without_times
from torch import nn

from steepest.compare import compare, resume
from steepest.compare.machines import MachineError, place_of
from steepest.compare.machines.here import InProcess
from steepest.compare.machines.patience import FEWEST_SECONDS, Patience
from steepest.compare.machines.processes import ProcessPool, WorkerLost
from steepest.compare.machines.work import Work, _own_modules, answer_of, pack, read_error, write_error, write_shard
from steepest.compare.prepare import prepared
from steepest.compare.race import TrialKey
from steepest.compare.trainer import Shard
from steepest.core.errors import ModelError, UsageError
from steepest.core.progress import Silent
from steepest.results.payload import to_text
from steepest.results.records import RungRecord

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")


class Hears(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def say(self, text: str) -> None:
        self.told.append(text)


def texts(trained) -> list[str]:
    return [to_text(o) for o in trained.outcomes]


@pytest.fixture(scope="module")
def trainer():
    return prepared(ask_for(), None, Silent()).trainer


@pytest.fixture(scope="module")
def shards(trainer):
    """Four short ones, the last of a confirmation."""
    arms = list(trainer.arms)
    rungs = [RungRecord("search 1", "search", 2, [0, 1])] * 3 + [RungRecord("confirm", "confirm", 2, [1000, 1001])]
    return [
        Shard(rung, tuple(TrialKey(arm, 0.01 * (i + 1), seed) for arm in arms for seed in rung.seeds))
        for i, rung in enumerate(rungs)
    ]


@pytest.fixture(scope="module")
def alone(trainer, shards):
    return [trainer.train(shard) for shard in shards]


def trained_by(pool, shards) -> list:
    for shard in shards:
        pool.submit(shard)
    found = {shard.trials: trained for shard, trained in pool.results()}
    return [found[shard.trials] for shard in shards]


@pytest.mark.parametrize("words", ["local", "local:1", 1, " local "])
def test_the_default_place_is_this_process(words, trainer):
    assert isinstance(place_of(words).open(trainer), InProcess) and place_of(words).n_workers == 1


@pytest.mark.parametrize(("words", "n"), [("local:2", 2), (3, 3), ("5", 5)])
def test_a_number_asks_for_so_many_processes(words, n):
    assert place_of(words).n_workers == n


def test_all_asks_for_a_process_on_each_core_that_this_one_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2}, raising=False)
    assert place_of("local:all").n_workers == 3


@pytest.mark.parametrize("words", ["", "local:0", 0, "cloud", "local:two", "http://host"])
def test_an_unknown_place_is_refused_with_the_forms_that_are_known(words):
    with pytest.raises(UsageError, match='"local:2"'):
        place_of(words)


def test_without_ray_a_cluster_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"steepest\[ray\]"):
        _ = place_of("auto").n_workers


def test_a_package_is_no_module_of_the_user_wherever_it_is_installed(tmp_path, monkeypatch):
    """Symptom: with packages of a user's own folder the study went along with hundreds of modules, or could not."""
    for folder in ("lib/python3/site-packages", "own"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / f"{folder[:3]}_module.py").write_text("")
        monkeypatch.syspath_prepend(str(tmp_path / folder))
    own, installed = import_module("own_module"), import_module("lib_module")
    monkeypatch.setitem(sys.modules, "own_alias", own)
    found = _own_modules(elsewhere=True)
    assert found.count(own) == 1 and installed not in found


def test_what_crosses_to_a_worker_trains_to_the_same_bits(trainer, shards, alone):
    work = Work(pack(trainer, elsewhere=True))
    for shard, here in zip(shards, alone):
        there = answer_of(*work.train(write_shard(shard)))
        assert texts(there) == texts(here) and there.weights == here.weights
    assert not alone[0].weights and set(alone[-1].weights) == set(trainer.arms)


def test_two_processes_train_the_same_and_a_killed_one_is_replaced(trainer, shards, alone):
    """Buys: a real process, killed at work; 6 s, mostly imports."""
    bar = Hears()
    pool = ProcessPool(replace(trainer, progress=bar), ("cpu",))
    try:
        long = [replace(shard, rung=replace(shard.rung, epochs=60)) for shard in shards]
        expected = [trainer.train(shard) for shard in long]
        for shard in long:
            pool.submit(shard)
        kill_one_at_work(pool)
        by_shard = {shard.trials: trained for shard, trained in pool.results()}
        found = [by_shard[shard.trials] for shard in long]
        assert [texts(f) for f in found] == [texts(e) for e in expected]
        assert [f.weights for f in found] == [e.weights for e in expected]
        assert any("signal 9" in told and "trained again" in told for told in bar.told)
    finally:
        pool.cancel()


def test_a_shard_that_a_worker_died_over_is_not_trained_by_the_study_itself_while_there_is_another_worker(
    trainer, shards
):
    pool = ProcessPool(trainer, ("cpu",))
    pool._n_others = 1
    pool.submit(shards[0])
    assert pool._next() is shards[0]
    pool._give_again(shards[0], WorkerLost("a worker was killed"))
    assert pool._train_one() is None
    pool._n_others = 0
    assert pool._train_one()[0] is shards[0]


def test_a_rung_of_one_shard_starts_no_other_process(trainer, shards, alone):
    pool = ProcessPool(trainer, ("cpu",))
    assert texts(trained_by(pool, shards[:1])[0]) == texts(alone[0]) and not pool._threads


def kill_one_at_work(pool) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for worker in list(pool._workers):
            if worker.shard is not None:
                os.kill(worker.pid, signal.SIGKILL)
                return
        time.sleep(0.01)


class Explodes(nn.Module):
    """Fails in training, where a worker meets it and the first look does not."""

    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(n_features, n_classes)

    def forward(self, x):
        if self.training and len(x) > 8:
            raise ArithmeticError("the model cannot go on")
        return self.layer(x)


class Dies(Explodes):
    def forward(self, x):
        if self.training and len(x) > 8:
            os._exit(7)
        return self.layer(x)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "words"), [(Explodes, "the model cannot go on"), (Dies, "exit code 7")])
def test_a_model_that_fails_in_a_worker_is_told_and_not_tried_for_ever(shards, model, words, monkeypatch):
    trainer = prepared(ask_for(model=model, engine="loop", check=False), None, Silent()).trainer
    pool = ProcessPool(trainer, ("cpu", "cpu"))
    monkeypatch.setattr(pool, "_train_one", lambda: None)  # here it would fail as in a study of one process
    try:
        with pytest.raises(MachineError, match=words):
            trained_by(pool, shards[:2])
    finally:
        pool.cancel()


def test_an_error_of_ours_comes_back_from_a_worker_as_itself(trainer, shards):
    error = ModelError(where="Net", seen="3 rows", needed="4 were needed", repair="Add one.")
    again = read_error(write_error(error), "a worker")
    assert type(again) is ModelError and str(again) == str(error)


def test_what_cannot_be_sent_is_refused_with_the_repair(trainer):
    task = trainer.task
    unsendable = type(task).__new__(type(task))
    vars(unsendable).update(vars(task), lock=threading.Lock())
    with pytest.raises(UsageError, match="open file, lock or generator"):
        pack(replace(trainer, task=unsendable), elsewhere=False)


def test_a_worker_of_another_version_is_refused(trainer, monkeypatch):
    packed = pack(trainer, elsewhere=False)
    monkeypatch.setattr(torch, "__version__", "1.0.0")
    with pytest.raises(UsageError, match="a worker has torch 1.0.0"):
        Work(packed)


def test_a_worker_hangs_when_it_takes_many_times_longer_than_any_before(shards, monkeypatch):
    patience, now = Patience(), [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    now[0] = 1e6
    assert not patience.has_ended(shards[0], 0.0)  # nothing to compare it with
    now[0] = 60.0
    patience.note(shards[0], 0.0)
    now[0] = 20 * 60.0 - 1
    assert not patience.has_ended(shards[0], 0.0)
    now[0] = 20 * 60.0 + 1
    assert patience.has_ended(shards[0], 0.0)
    quick = Patience()
    now[0] = 0.01
    quick.note(shards[0], 0.0)
    now[0] = FEWEST_SECONDS - 1
    assert not quick.has_ended(shards[0], 0.0)


SCRIPT = """
import sys
from torch import nn
from steepest.compare import compare
from steepest.core.declare import loss
from steepest.core.targets import classes


class Net(nn.Module):
    def __init__(self, n_features, n_classes):
        super().__init__()
        self.layer = nn.Linear(n_features, n_classes)

    def forward(self, x):
        return self.layer(x)


@loss(target=classes, expects="logits", task="classification", use="A test.", source="none")
def own_loss(input, target):
    return target.expect(-input.log_softmax(1))


compare(Net, "wine", losses=[own_loss, "cross_entropy"], optimizers="adamw", budget="3000epochs", epochs=20, seeds=3,
        out=sys.argv[1], machines=sys.argv[2], progress=False)
"""


@pytest.mark.slow
def test_a_model_and_a_loss_of_the_script_itself_train_in_processes_too(tmp_path):
    """A script without the guard of __main__, as people write them."""
    (tmp_path / "script.py").write_text(SCRIPT)
    for words in ("local", "local:2"):
        subprocess.run([sys.executable, "script.py", words.replace(":", ""), words], check=True, cwd=tmp_path)
    assert without_times(tmp_path / "local") == without_times(tmp_path / "local2")


@pytest.mark.slow
def test_a_study_begun_in_two_processes_goes_on_in_one_to_the_same_end(tmp_path):
    for words in ("local", "local:2"):
        compare(**WINE, machines=words, out=tmp_path / words.replace(":", ""))
    assert without_times(tmp_path / "local") == without_times(tmp_path / "local2")
    kept = [{p.name: p.read_bytes() for p in (tmp_path / f / "weights").iterdir()} for f in ("local", "local2")]
    assert kept[0] == kept[1] and kept[0]


@posix
@pytest.mark.slow
def test_the_workers_of_a_killed_study_end_with_it(tmp_path):
    asked = WINE | {"budget": "60000epochs", "machines": "local:3", "out": str(tmp_path / "s")}
    code = f"from steepest.compare import compare; compare(**{asked!r})"
    study = subprocess.Popen([sys.executable, "-c", code])
    workers = wait_for(lambda: children(study.pid) if len(children(study.pid)) == 2 else None)
    study.kill()
    study.wait()
    assert wait_for(lambda: not any(is_alive(pid) for pid in workers))
    resume(tmp_path / "s", progress=False, machines="local:2", memory="50MB", device="cpu,cpu")


def children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(word) for word in listed.split()]


def is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_for(condition, seconds: float = 60.0):
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def test_json_of_the_verdict_names_no_machine(tmp_path):
    plan = prepared(ask_for(), None, Silent()).plan
    assert "machines" not in json.dumps(plan.plain())
