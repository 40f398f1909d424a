"""Seconds to store a study of 1,000 trials x 20 rungs, one durable transaction per rung, and to read it back.

Run: python bench/store.py [FOLDER]. A folder on the disk that you mean to use; default: the system's folder for
temporary files. Prints one table and, as its last line, JSON. CPU time beside the clock's: other programs slow it.
"""

from __future__ import annotations

import json
import platform
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path

from steepest.results.records import ArmRecord, Outcome, Plan
from steepest.results.store import Store, read_study

TRIALS, RUNGS, REPEATS = 1000, 20, 5
SECONDS = ("write_seconds", "write_cpu_seconds", "read_seconds")


def plan() -> Plan:
    return Plan(
        arms=[ArmRecord("mse+sgd", "mse", "sgd", "constant")],
        rungs=[],
        metric="accuracy",
        best="max",
        unit="points",
        task="classification",
        model="mlp",
        data={"name": "digits"},
        batch_size=64,
        epochs=10,
        budget="60s",
        budget_epochs=1000.0,
        max_seeds=21,
        rope=None,
        alpha=0.05,
        seed=0,
        engine="stack",
        device="cpu",
        command="",
        python="",
        versions={},
    )


def rung(name: str, points: int) -> list[Outcome]:
    """Every number has all its digits; the two curves of a trial have `points` points each."""
    curve = [[float(e), 1 / (3 + e)] for e in range(points)]
    metrics = {"f1": 1 / 3, "balanced_accuracy": 1 / 7}
    return [
        Outcome(name, "mse+sgd", i, 0.1 / 3, 10.0, i / 1001, False, None, metrics, curve, curve) for i in range(TRIALS)
    ]


def once(folder: Path, points: int) -> dict[str, float]:
    rungs = {f"rung-{r}": rung(f"rung-{r}", points) for r in range(RUNGS)}
    with Store.create(folder, plan()) as store:
        begun, begun_cpu = time.perf_counter(), time.process_time()
        for name, outcomes in rungs.items():
            store.write_rung(name, outcomes, [], 1.0)
        write, write_cpu = time.perf_counter() - begun, time.process_time() - begun_cpu
    begun = time.perf_counter()
    n = len(read_study(folder).outcomes)
    read = time.perf_counter() - begun
    assert n == TRIALS * RUNGS
    megabytes = (folder / "store.sqlite").stat().st_size / 1e6
    shutil.rmtree(folder)
    return {
        "write_seconds": write,
        "write_cpu_seconds": write_cpu,
        "read_seconds": read,
        "megabytes": megabytes,
    }


def main() -> None:
    parent = Path(tempfile.mkdtemp(dir=sys.argv[1] if len(sys.argv) > 1 else None))
    print(f"{TRIALS} trials x {RUNGS} rungs, {REPEATS} repeats: median (fastest to slowest)")
    print(
        f"{platform.machine()} {platform.system()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )
    print(f"{'curve points':>16}  {'write, s':>22}  {'write, CPU s':>22}  {'read, s':>22}  {'size, MB':>8}")
    report = {}
    for points in (2, 5, 20):
        runs = [once(parent / str(i), points) for i in range(REPEATS)]
        row = {key: sorted(run[key] for run in runs) for key in runs[0]}
        cells = [f"{statistics.median(row[k]):.2f} ({row[k][0]:.2f} to {row[k][-1]:.2f})" for k in SECONDS]
        print(f"{points:>16}  " + "".join(f"{cell:>22}  " for cell in cells) + f"{row['megabytes'][0]:>8.1f}")
        report[f"{points}_points"] = {key: round(statistics.median(values), 3) for key, values in row.items()}
    shutil.rmtree(parent)
    print(json.dumps({"bench": "store", "trials": TRIALS, "rungs": RUNGS, **report}))


if __name__ == "__main__":
    main()
