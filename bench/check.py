"""What checking costs: a script that is read, objects, and each step of a watched loop.

    OMP_NUM_THREADS=1 python bench/check.py

Reading: the whole process of `steepest check` on a script of 500 lines. Objects: `steepest.check` of a model with ten million
parameters. Watching: seconds of process time of one training step with and without `steepest.watch`, the two in turn, by the
stretch of the loop; the first three steps are recorded call by call. The last line is JSON.
"""

from __future__ import annotations

import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import nn

import steepest
from steepest.check.catalogue import check_of

ROUNDS = 5
STRETCHES = {"steps 1-3": (0, 3), "steps 4-30": (3, 30), "steps 31-60": (30, 60)}


def script_of_500_lines() -> str:
    """A training script with many functions around it."""
    filler = "\n".join(f"def step_{i}(x, y):\n    z = x * {i} + y\n    return z.mean()\n" for i in range(118))
    return check_of("L01").good + "\n" + filler


def reading() -> tuple[list[float], int]:
    """CPU seconds of the whole process."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.py"
        file.write_text(script_of_500_lines(), encoding="utf-8")
        seconds = []
        for _ in range(ROUNDS):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, "-m", "steepest", "check", str(file)], check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return seconds, len(script_of_500_lines().splitlines())


def large() -> nn.Module:
    return nn.Sequential(nn.Linear(1000, 3000), nn.ReLU(), nn.Linear(3000, 2300), nn.ReLU(), nn.Linear(2300, 10))


def objects() -> tuple[list[float], int]:
    model = large()
    optimizer = torch.optim.Adam(model.parameters())
    data = [(torch.randn(64, 1000), torch.randint(0, 10, (64,))) for _ in range(4)]
    seconds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        steepest.check(model, nn.CrossEntropyLoss(), optimizer, data)
        seconds.append(time.process_time() - start)
    return seconds, sum(p.numel() for p in model.parameters())


def loop(is_watched: bool) -> list[float]:
    """Seconds of each of 60 steps of a model with a quarter of a million parameters."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
    optimizer = torch.optim.Adam(model.parameters())
    x, y, seconds = torch.randn(256, 256), torch.randint(0, 10, (256,)), []

    def steps() -> None:
        for _ in range(60):
            start = time.process_time()
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
            seconds.append(time.process_time() - start)

    if is_watched:
        with steepest.watch(model, optimizer):
            steps()
    else:
        steps()
    return seconds


def watching() -> dict[str, tuple[float, float]]:
    """Stretch -> (seconds per step without, with): medians over rounds."""
    loop(True)
    runs = [(loop(False), loop(True)) for _ in range(3 * ROUNDS)]
    found = {}
    for name, (a, b) in STRETCHES.items():
        both = [statistics.median(t for run in runs for t in run[which][a : b - (b == 30)]) for which in (0, 1)]
        found[name] = (both[0], both[1])
    return found


def main() -> None:
    torch.set_num_threads(1)
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}")
    read, n_lines = reading()
    checked, n_parameters = objects()
    print(f"reading {n_lines} lines, whole process: least {min(read):.3f} s, median {statistics.median(read):.3f} s of CPU")
    print(f"objects, {n_parameters:,} parameters: least {min(checked):.2f} s, median {statistics.median(checked):.2f} s of CPU")
    steps = watching()
    for name, (plain, watched) in steps.items():
        print(f"{name}: {1e3 * plain:.2f} ms without, {1e3 * watched:.2f} ms watched: {watched / plain - 1:+.1%}")
    print(json.dumps({"read_s": read, "objects_s": checked, "watch_s": steps}))


if __name__ == "__main__":
    main()
