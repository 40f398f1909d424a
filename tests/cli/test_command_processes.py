"""steepest fit --nproc: several processes, one run."""

from __future__ import annotations

import csv
import subprocess
import sys

import pytest


def fit(folder, *words):
    command = [sys.executable, "-m", "steepest", "fit", "mlp", "--data", "wine", "--epochs", "2", "--out", str(folder)]
    return subprocess.run([*command, *words], capture_output=True, text=True, timeout=300)


def columns(folder):
    rows = csv.DictReader((folder / "history.csv").read_text().splitlines())
    return [[float(v) for name, v in row.items() if name != "seconds"] for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--shard",)])
def test_two_processes_write_one_history_and_it_is_that_of_one_process(tmp_path, more):
    done = fit(tmp_path / "two", "--nproc", "2", *more)
    assert done.returncode == 0 and done.stdout.count("Model: ") == 1, done.stderr
    assert fit(tmp_path / "one").returncode == 0
    for two, one in zip(columns(tmp_path / "two"), columns(tmp_path / "one"), strict=True):
        assert two == pytest.approx(one, rel=1e-5)


@pytest.mark.slow
def test_when_one_process_fails_all_end_with_its_code(tmp_path):
    done = fit(tmp_path / "run", "--nproc", "2", "--optimizer", "adamz")
    assert done.returncode not in (0, None) and "'adam'" in done.stderr
