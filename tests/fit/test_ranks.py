"""A run over several processes is the run of one: the same weights, the same history, checkpoints and stops included."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

PROGRAM = Path(__file__).parent / "ranks_program.py"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def run(folder: Path, n: int, *words: str) -> list[dict]:
    """What each of n processes ended with; [] where they died."""
    port, started = free_port(), []
    for rank in range(n):
        env = os.environ | {"OMP_NUM_THREADS": "1"}
        if n > 1:
            env |= {"RANK": str(rank), "WORLD_SIZE": str(n), "LOCAL_RANK": str(rank)}
            env |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        command = [sys.executable, str(PROGRAM), str(folder / f"of{n}"), *words]
        started.append(subprocess.Popen(command, env=env, stderr=subprocess.PIPE))
    errors = [one.communicate(timeout=120)[1].decode() for one in started]
    if words[0].endswith("dies"):
        return []
    assert all(one.returncode == 0 for one in started), [(p.returncode, e[-2000:]) for p, e in zip(started, errors)]
    return [json.loads((folder / f"of{n}.{rank}").read_text()) for rank in range(n)]


def differ(a: dict, b: dict) -> float:
    """The largest difference of weights and history."""
    weights = max(float((torch.tensor(x) - torch.tensor(y)).abs().max()) for x, y in zip(a["weights"], b["weights"]))
    rows = [abs(r[name] - s[name]) for r, s in zip(a["rows"], b["rows"]) for name in r]
    assert [list(r) for r in a["rows"]] == [list(s) for s in b["rows"]]
    return max(weights, *rows)


KINDS = ["weighted", "loader", "accumulated", "ignored", "frozen part", "stopped"]


@pytest.mark.parametrize("kind", [KINDS[0], *(pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS[1:])])
def test_two_processes_end_with_the_weights_and_the_history_of_one(tmp_path, kind):
    alone, (first, second) = run(tmp_path, 1, kind)[0], run(tmp_path, 2, kind)
    assert first == second
    assert differ(first, alone) < 1e-10
    assert first["stopped"] == alone["stopped"]


@pytest.mark.slow
def test_three_processes_some_of_them_without_rows(tmp_path):
    alone, several = run(tmp_path, 1, "weighted")[0], run(tmp_path, 3, "weighted")
    assert differ(several[2], alone) < 1e-10


@pytest.mark.slow
def test_a_run_over_two_processes_that_dies_ends_with_the_bits_of_the_undisturbed_one(tmp_path):
    whole = run(tmp_path, 2, "resumes", str(tmp_path / "whole"))
    for step in ("4", "11"):
        out = str(tmp_path / step)
        run(tmp_path, 2, "dies", out, step)
        assert run(tmp_path, 2, "resumes", out) == whole
