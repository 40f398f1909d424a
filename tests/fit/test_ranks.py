"""A run over several processes is the run of one: the same weights, the same history, checkpoints and stops included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import ranks_program
import torch

PROGRAM = Path(__file__).parent / "ranks_program.py"


def run(folder: Path, n: int, *words: str) -> list[dict]:
    """What each of n processes ended with; [] where they died. They meet at a store of ours, as under torchrun."""
    store = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    started = []
    for rank in range(n):
        env = os.environ | {"RANK": str(rank), "WORLD_SIZE": str(n), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"}
        env |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port), "TORCHELASTIC_USE_AGENT_STORE": "True"}
        command = [sys.executable, str(PROGRAM), str(folder / f"of{n}"), *words]
        with open(folder / f"errors.{rank}", "wb") as errors:
            started.append(subprocess.Popen(command, env=env, stderr=errors))
    try:
        codes = [one.wait(timeout=600) for one in started]
    finally:
        for one in started:
            one.kill()
    if words[0].endswith("dies"):
        return []
    assert not any(codes), [(code, (folder / f"errors.{i}").read_text()[-2000:]) for i, code in enumerate(codes)]
    return [json.loads((folder / f"of{n}.{rank}").read_text()) for rank in range(n)]


def alone(folder: Path, *words: str) -> dict:
    """What this process ends with."""
    threads = torch.get_num_threads()
    ranks_program.main(folder / "alone", *words)
    torch.set_num_threads(threads)
    return json.loads((folder / "alone.0").read_text())


def differ(a: dict, b: dict) -> float:
    """The largest difference of weights and history."""
    weights = max(float((torch.tensor(x) - torch.tensor(y)).abs().max()) for x, y in zip(a["weights"], b["weights"]))
    rows = [abs(r[name] - s[name]) for r, s in zip(a["rows"], b["rows"]) for name in r]
    assert [list(r) for r in a["rows"]] == [list(s) for s in b["rows"]]
    return max([weights, *rows])


KINDS = ["weighted", "loader", "accumulated", "ignored", "frozen part", "stopped", "wrapped"]


@pytest.mark.parametrize("kind", [KINDS[0], *(pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS[1:])])
def test_two_processes_end_with_the_weights_and_the_history_of_one(tmp_path, kind):
    one, (first, second) = alone(tmp_path, kind), run(tmp_path, 2, kind)
    assert first == second
    assert differ(first, one) < 1e-10
    assert first["stopped"] == one["stopped"]


@pytest.mark.slow
def test_three_processes_some_of_them_without_rows(tmp_path):
    assert differ(run(tmp_path, 3, "weighted")[2], alone(tmp_path, "weighted")) < 1e-10


@pytest.mark.slow
def test_a_run_over_two_processes_that_dies_ends_with_the_bits_of_the_undisturbed_one(tmp_path):
    whole = run(tmp_path, 2, "resumes", str(tmp_path / "whole"))
    for step in ("4", "11"):
        out = str(tmp_path / step)
        run(tmp_path, 2, "dies", out, step)
        assert run(tmp_path, 2, "resumes", out) == whole
