"""Ctrl-C and a second process, with real signals and real processes: what is kept, what is told, who is refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_studies import WINE

from steepest.compare import compare
from steepest.core.errors import StoreError
from steepest.results.store import read_study

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")

# Stands still in the second search rung while the file "hold" is there.
STUDY = """
import time
from pathlib import Path
from torch import nn
from steepest.compare import compare
from steepest.core.progress import Silent


class Net(nn.Module):
    def __init__(self, n_features, n_classes):
        super().__init__()
        self.layer = nn.Linear(n_features, n_classes)

    def forward(self, x):
        while Path("hold").exists():
            time.sleep(0.01)
        return self.layer(x)


class Holds(Silent):
    def say(self, text):
        print(text, flush=True)
        if text.startswith("search 2"):
            Path("hold").touch()
            print("holding", flush=True)


compare(Net, "wine", losses="cross_entropy, square", optimizers="adamw", budget="8000epochs", epochs=40, out="study",
        engine="loop", machines=MACHINES, progress=Holds())
"""


class Held:
    """A study in another process, in the middle of its second search rung."""

    def __init__(self, folder: Path, machines: str = "local") -> None:
        self.folder, self.study = folder, folder / "study"
        self.process = subprocess.Popen(
            [sys.executable, "-c", STUDY.replace("MACHINES", repr(machines))],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for line in self.process.stdout:
            if line == "holding\n":
                break
        self.finished = read_study(self.study).finished_rungs

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)
        time.sleep(0.3)

    def end(self) -> str:
        """What it printed after it was held."""
        out, self.errors = self.process.communicate(timeout=60)
        return out


both = pytest.mark.parametrize("machines", ["local", "local:2"])


@pytest.mark.slow  # the quick suite stops `steepest compare` so, in tests/cli
@both
def test_the_first_ctrl_c_ends_after_the_rung_and_the_page_tells_what_is_known(tmp_path, machines):
    held = Held(tmp_path, machines)
    held.interrupt()
    assert held.process.poll() is None
    (tmp_path / "hold").unlink()
    assert "Stopping after this rung" in held.end()
    assert held.process.returncode == -signal.SIGINT and "steepest.resume, goes on" in held.errors
    study = read_study(held.study)
    assert study.finished_rungs == [*held.finished, "search 2"] and study.verdict is None
    assert "search 2" in (held.study / "report.html").read_text()


@pytest.mark.slow
@both
def test_the_second_ctrl_c_stops_at_once_and_leaves_no_half_rung(tmp_path, machines):
    held = Held(tmp_path, machines)
    held.interrupt()
    held.interrupt()
    held.end()
    assert held.process.returncode == -signal.SIGINT and (tmp_path / "hold").exists()
    assert read_study(held.study).finished_rungs == held.finished
    assert (held.study / "report.html").exists()
    assert not (held.study / "store.lock").exists()


@pytest.mark.slow  # the lock itself is tried in tests/results
def test_a_second_process_is_refused_by_the_name_of_the_first(tmp_path):
    held = Held(tmp_path)
    try:
        with pytest.raises(StoreError) as refusal:
            compare(**{**WINE, "losses": "cross_entropy", "out": held.study})
        assert "another study" in refusal.value.seen  # this question is not the folder's, whoever is at work there
        command = [sys.executable, "-m", "steepest", "resume", str(held.study)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 2 and done.stdout == "" and "Traceback" not in done.stderr
        told = " ".join(done.stderr.split())
        assert f"another process (pid {held.process.pid} on {os.uname().nodename}, since 20" in told
        assert "Wait until it has finished or stop it" in told
    finally:
        held.process.kill()
        held.end()
