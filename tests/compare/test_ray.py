"""A real Ray cluster of two nodes on this machine: the verdict is that of one process, whoever dies in the middle."""

from __future__ import annotations

import threading

import pytest
from small_studies import WINE, without_times

from steepest.compare import compare
from steepest.compare.machines.cluster import ActorPool
from steepest.core.progress import Silent

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow

STUDY = {**WINE, "losses": "cross_entropy, focal", "epochs": 20, "seeds": 5}


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("alone")
    compare(**STUDY, out=folder)
    return without_times(folder)


@pytest.fixture
def cluster():
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    found.second = found.add_node(num_cpus=1)
    found.wait_for_nodes()
    ray.init(address=found.address, log_to_driver=False)
    yield found
    ray.shutdown()
    found.shutdown()


class Strikes(Silent):
    """Calls `act` in another thread a moment after a rung has begun; keeps what it is told."""

    def __init__(self, rung: str, act) -> None:
        self.rung, self.act, self.told = rung, act, []
        self.thread: threading.Thread | None = None

    def say(self, text: str) -> None:
        self.told.append(text)
        if text.startswith(self.rung) and self.thread is None:
            self.thread = threading.Thread(target=self.act)
            self.thread.start()


def test_two_nodes_come_to_the_verdict_of_one_process(cluster, alone, tmp_path):
    compare(**STUDY, machines="auto", out=tmp_path)
    assert without_times(tmp_path) == alone


def test_a_worker_killed_in_the_middle_changes_nothing(cluster, alone, tmp_path, monkeypatch):
    hand_out, killed, told = ActorPool._hand_out, [], Strikes("no such rung", None)

    def hand_out_and_kill(pool) -> None:
        hand_out(pool)
        if pool._at_work and not killed:
            actor, shard, _ = next(iter(pool._at_work.values()))
            killed.append(shard)
            ray.kill(actor)

    monkeypatch.setattr(ActorPool, "_hand_out", hand_out_and_kill)
    compare(**{**STUDY, "progress": told}, machines="auto", out=tmp_path)
    assert killed and any("a worker of the cluster was lost" in text for text in told.told)
    assert without_times(tmp_path) == alone


def test_a_node_that_dies_in_the_middle_changes_nothing(cluster, alone, tmp_path):
    strikes = Strikes("race look 1", lambda: cluster.remove_node(cluster.second, allow_graceful=False))
    compare(**{**STUDY, "progress": strikes}, machines="auto", out=tmp_path)
    strikes.thread.join()
    assert without_times(tmp_path) == alone


OWN = '''import torch
from torch.nn import functional as F


def mine(output, target, share=0.1):
    return F.cross_entropy(output, target, label_smoothing=share)


class Signs(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.sub_(group["lr"] * p.grad.sign())
'''


def test_a_loss_and_an_optimizer_of_ones_own_travel_with_the_study(cluster, tmp_path, monkeypatch):
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    own = {**STUDY, "losses": "own.py:mine(share=0.1|0.3)", "optimizers": "own.py:Signs", "budget": "2000epochs"}
    for place in ("local", "auto"):
        compare(**own, machines=place, out=tmp_path / place)
    assert without_times(tmp_path / "auto") == without_times(tmp_path / "local")
