"""A real Ray head, reached through ray://: the verdict is that of one process, a worker killed or not."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from small_studies import WINE, without_times

from steepest.compare import compare
from steepest.compare.machines.cluster import ActorPool
from steepest.core.errors import UsageError
from steepest.core.progress import Silent

ray = pytest.importorskip("ray")
pytest.importorskip("grpc", reason="ray[client] brings it")
pytestmark = pytest.mark.slow

STUDY = {**WINE, "losses": "cross_entropy, focal", "epochs": 20, "seeds": 5}
SOURCES = Path(__file__).parents[2] / "src"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def address():
    """Of a head with two processors in a process of its own, which ends with the tests."""
    port, folder = free_port(), tempfile.mkdtemp(prefix="ray")  # short: sockets lie below it
    asked = ["--head", "--block", "--num-cpus=2", f"--port={free_port()}", f"--ray-client-server-port={port}"]
    quiet = ["--include-dashboard=false", "--disable-usage-stats", f"--temp-dir={folder}"]
    os.environ["RAY_AUTH_MODE"] = "disabled"  # from 2.60 on a head may ask for a token
    path = os.pathsep.join([str(SOURCES), *filter(None, sys.path)])
    head = subprocess.Popen(
        [sys.executable, "-m", "ray.scripts.scripts", "start", *asked, *quiet],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    end = time.monotonic() + 120
    while not answers(port) and head.poll() is None and time.monotonic() < end:
        time.sleep(0.2)
    yield f"ray://127.0.0.1:{port}"
    ray.shutdown()
    head.send_signal(signal.SIGTERM)
    head.wait(timeout=60)
    del os.environ["RAY_AUTH_MODE"]
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("alone")
    compare(**STUDY, out=folder)
    return without_times(folder)


def test_through_the_client_a_study_comes_to_the_verdict_of_one_process(address, alone, tmp_path):
    compare(**STUDY, machines=address, out=tmp_path)
    assert ray.util.client.ray.is_connected()
    assert without_times(tmp_path) == alone


class Hears(Silent):
    def __init__(self) -> None:
        self.told: list[str] = []

    def say(self, text: str) -> None:
        self.told.append(text)


def test_a_worker_killed_behind_the_client_changes_nothing(address, alone, tmp_path, monkeypatch):
    hand_out, killed, bar = ActorPool._hand_out, [], Hears()

    def hand_out_and_kill(pool) -> None:
        hand_out(pool)
        if pool._at_work and not killed:
            actor, shard, _ = next(iter(pool._at_work.values()))
            killed.append(shard)
            ray.kill(actor)

    monkeypatch.setattr(ActorPool, "_hand_out", hand_out_and_kill)
    compare(**{**STUDY, "progress": bar}, machines=address, out=tmp_path)
    assert killed and any("a worker of the cluster was lost" in text for text in bar.told)
    assert without_times(tmp_path) == alone


def test_an_address_where_nobody_answers_is_told_with_what_to_start(address):
    ray.shutdown()
    with pytest.raises(UsageError, match="ray start --head"):
        compare(**STUDY, machines=f"ray://127.0.0.1:{free_port()}")
