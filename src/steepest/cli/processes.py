"""`steepest fit --nproc N`: the same command in N processes, joined as torchrun joins them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HOST = "127.0.0.1"
LOOK_S = 0.1


def is_one_of_many() -> bool:
    """This process was started for its share of a run, by us or by torchrun."""
    return "RANK" in os.environ


def is_first() -> bool:
    return os.environ.get("RANK", "0") == "0"


def run_together(n: int, folder: Path) -> int:
    """Go on with the run of the folder in n processes; the first one's exit code. When one fails, the others end too."""
    from torch.distributed import TCPStore

    store = TCPStore(HOST, 0, is_master=True, wait_for_workers=False)  # ours: nobody takes the port before it is bound
    common = {"WORLD_SIZE": str(n), "MASTER_ADDR": HOST, "MASTER_PORT": str(store.port)}
    common["TORCHELASTIC_USE_AGENT_STORE"] = "True"  # said by torchrun, too: the processes need not open one
    command = [sys.executable, "-m", "steepest", "fit", "--resume", str(folder)]
    before = signal.signal(
        signal.SIGINT, lambda *_: None
    )  # Ctrl-C reaches the processes themselves: they stop in order
    try:
        started = []
        for rank in range(n):
            own = {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            started.append(subprocess.Popen(command, env=os.environ | common | own))
        return _waited(started)
    finally:
        signal.signal(signal.SIGINT, before)


def _waited(started: list[subprocess.Popen[bytes]]) -> int:
    while any(one.poll() is None for one in started):
        time.sleep(LOOK_S)
        failed = [one for one in started if one.poll() not in (None, 0)]
        if failed:
            _end(started)
            return next(one.returncode for one in [started[0], *failed] if one.returncode)
    return started[0].returncode


def _end(started: list[subprocess.Popen[bytes]]) -> None:
    """The others wait for the one that is gone: they are given a while to end by themselves."""
    for one in started:
        try:
            one.wait(timeout=10)
        except subprocess.TimeoutExpired:
            one.kill()
            one.wait()
